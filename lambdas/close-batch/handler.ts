import { z } from "zod";
import { batchIdSchema } from "../domain/ids.ts";
import { parseEnvironment } from "../runtime/environment.ts";
import { batches } from "../runtime/ports.ts";
import { step } from "../runtime/step.ts";
import { systemRuntime } from "../runtime/system-runtime.ts";
import { closeBatch } from "./close-batch.ts";
import { envSchema } from "./env.ts";

const ports = { batches: batches(parseEnvironment(envSchema)), runtime: systemRuntime };

export const handler = step(z.object({ batchId: batchIdSchema }), async ({ batchId }) => {
  await closeBatch(batchId, ports);
  return { batchId };
});
