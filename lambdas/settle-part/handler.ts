import { z } from "zod";
import { batchIdSchema } from "../domain/ids.ts";
import { parseEnvironment } from "../runtime/environment.ts";
import {
  batches,
  deadLetterQueues,
  deliveryQueue,
  jobMap,
  ledger,
  objectStore,
  runQueue,
} from "../runtime/ports.ts";
import { step } from "../runtime/step.ts";
import { systemRuntime } from "../runtime/system-runtime.ts";
import { count } from "../runtime/telemetry.ts";
import { envSchema } from "./env.ts";
import { settlePart } from "./settle-part.ts";

const env = parseEnvironment(envSchema);
const ports = {
  objects: objectStore(env),
  batches: batches(env),
  jobs: jobMap(env),
  ledger: ledger(env),
  deliveries: deliveryQueue(env),
  runs: runQueue(env),
  deadLetters: deadLetterQueues(env),
  runtime: systemRuntime,
};

const payload = z.object({ batchId: batchIdSchema, part: z.number().int().nonnegative() });

export const handler = step(payload, async ({ batchId, part }) => {
  const { ended, retried, deadLettered, held } = await settlePart(batchId, part, ports, env.WAIT_FACTOR);
  count({
    JobsEnded: ended,
    JobsRetried: retried,
    JobsDeadLettered: deadLettered,
    AccountsHeld: held ? 1 : 0,
  });
  return { part };
});
