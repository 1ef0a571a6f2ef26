import { z } from "zod";
import { batchIdSchema } from "../domain/ids.ts";
import { parseEnvironment } from "../runtime/environment.ts";
import { batches, objectStore } from "../runtime/ports.ts";
import { batchProviderOf } from "../runtime/providers.ts";
import { step } from "../runtime/step.ts";
import { envSchema } from "./env.ts";
import { pollBatch } from "./poll-batch.ts";

const env = parseEnvironment(envSchema);
const register = batches(env);
const providers = batchProviderOf(env, register, objectStore(env));

const payload = z.object({ batchId: batchIdSchema, polls: z.number().int().nonnegative() });

export const handler = step(payload, async ({ batchId, polls }) =>
  pollBatch(batchId, polls, { batches: register, provider: await providers(batchId) }),
);
