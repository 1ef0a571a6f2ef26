import { z } from "zod";
import { batchIdSchema } from "../domain/ids.ts";
import { parseEnvironment } from "../runtime/environment.ts";
import { batches, objectStore } from "../runtime/ports.ts";
import { step } from "../runtime/step.ts";
import { envSchema } from "./env.ts";
import { writeBatch } from "./write-batch.ts";

const env = parseEnvironment(envSchema);
const ports = { objects: objectStore(env), batches: batches(env) };

export const handler = step(z.object({ batchId: batchIdSchema }), async ({ batchId }) => {
  await writeBatch(batchId, ports);
  return { batchId };
});
