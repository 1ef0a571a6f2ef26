import { z } from "zod";
import { batchIdSchema } from "../domain/ids.ts";
import { parseEnvironment } from "../runtime/environment.ts";
import { batches, objectStore } from "../runtime/ports.ts";
import { batchProviderOf } from "../runtime/providers.ts";
import { step } from "../runtime/step.ts";
import { systemRuntime } from "../runtime/system-runtime.ts";
import { count } from "../runtime/telemetry.ts";
import { envSchema } from "./env.ts";
import { submitBatch } from "./submit-batch.ts";

const env = parseEnvironment(envSchema);
const register = batches(env);
const providers = batchProviderOf(env, register, objectStore(env));

export const handler = step(z.object({ batchId: batchIdSchema }), async ({ batchId }) => {
  const submission = await submitBatch(batchId, {
    batches: register,
    provider: await providers(batchId),
    runtime: systemRuntime,
  });
  count({
    BatchesSubmitted: submission.kind === "submitted" ? 1 : 0,
    BatchesRefused: submission.kind === "refused" && !submission.isUnneeded ? 1 : 0,
  });
  return submission;
});
