import { z } from "zod";
import { batchIdSchema } from "../domain/ids.ts";
import { parseEnvironment } from "../runtime/environment.ts";
import { batches, objectStore } from "../runtime/ports.ts";
import { batchProviderOf } from "../runtime/providers.ts";
import { step } from "../runtime/step.ts";
import { systemRuntime } from "../runtime/system-runtime.ts";
import { collectResults } from "./collect-results.ts";
import { envSchema } from "./env.ts";

const env = parseEnvironment(envSchema);
const register = batches(env);
const objects = objectStore(env);
const providers = batchProviderOf(env, register, objects);

export const handler = step(z.object({ batchId: batchIdSchema }), async ({ batchId }) => ({
  parts: await collectResults(batchId, {
    batches: register,
    objects,
    provider: await providers(batchId),
    runtime: systemRuntime,
  }),
}));
