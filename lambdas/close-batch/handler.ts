import { z } from "zod";
import { batchIdSchema } from "../domain/ids.ts";
import { parseEnvironment } from "../runtime/environment.ts";
import { batches, objectStore } from "../runtime/ports.ts";
import { batchProviderOf } from "../runtime/providers.ts";
import { step } from "../runtime/step.ts";
import { systemRuntime } from "../runtime/system-runtime.ts";
import { count, measure } from "../runtime/telemetry.ts";
import { closeBatch, failureRateOf } from "./close-batch.ts";
import { envSchema } from "./env.ts";

const env = parseEnvironment(envSchema);
const register = batches(env);
const objects = objectStore(env);
const providers = batchProviderOf(env, register, objects);

export const handler = step(z.object({ batchId: batchIdSchema }), async ({ batchId }) => {
  const provider = await providers(batchId);
  const ports = { batches: register, objects, provider, runtime: systemRuntime };
  const outcome = await closeBatch(batchId, env.PROVIDER_FILES, ports);
  const { rate, high } = failureRateOf(outcome);
  measure({ BatchFailurePercent: rate * 100 });
  count({
    RequestsAnswered: outcome.answered,
    RequestsFailed: outcome.failed,
    SurplusLines: outcome.surplus,
    BatchesFailingOften: high ? 1 : 0,
  });
  return { batchId, ...outcome };
});
