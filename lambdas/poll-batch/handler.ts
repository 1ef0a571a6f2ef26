import { z } from "zod";
import { batchIdSchema } from "../domain/ids.ts";
import { parseEnvironment } from "../runtime/environment.ts";
import { batches, objectStore } from "../runtime/ports.ts";
import { batchProviderOf } from "../runtime/providers.ts";
import { step } from "../runtime/step.ts";
import { systemRuntime } from "../runtime/system-runtime.ts";
import { count } from "../runtime/telemetry.ts";
import { envSchema } from "./env.ts";
import { pollBatch } from "./poll-batch.ts";

const env = parseEnvironment(envSchema);
const register = batches(env);
const providers = batchProviderOf(env, register, objectStore(env));

const payload = z.object({ batchId: batchIdSchema, polls: z.number().int().nonnegative() });

export const handler = step(payload, async ({ batchId, polls }) => {
  const provider = await providers(batchId);
  const ports = { batches: register, provider, runtime: systemRuntime };
  const poll = await pollBatch(batchId, polls, ports, env.ESCALATION);
  count({ BatchesStuck: poll.stuck ? 1 : 0 });
  return poll;
});
