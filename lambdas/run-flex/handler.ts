import { runRequestSchema } from "../domain/internal-messages.ts";
import { directTelling } from "../run-job/direct-telemetry.ts";
import { rateGate } from "../run-job/rate-gate.ts";
import { runStored } from "../run-job/run-stored.ts";
import { parseEnvironment } from "../runtime/environment.ts";
import { deadLetterQueues, deliveryQueue, jobMap, ledger, objectStore, runQueue } from "../runtime/ports.ts";
import { directProviderOf } from "../runtime/providers.ts";
import { eachRecord, queueConsumer } from "../runtime/queue-consumer.ts";
import { systemRuntime } from "../runtime/system-runtime.ts";
import { count } from "../runtime/telemetry.ts";
import { envSchema } from "./env.ts";
import { flexSettings } from "./flex-settings.ts";

const env = parseEnvironment(envSchema);
const ports = {
  objects: objectStore(env),
  jobs: jobMap(env),
  ledger: ledger(env),
  deliveries: deliveryQueue(env),
  deadLetters: deadLetterQueues(env),
  syncRuns: runQueue(env),
  direct: directProviderOf(env),
  runtime: systemRuntime,
  gate: rateGate(systemRuntime),
  tell: directTelling,
};
const settings = flexSettings(env.FLEX_CALL_SECONDS * 1000);

export const handler = queueConsumer((records) =>
  eachRecord(records, async ({ body }) => {
    const request = runRequestSchema.parse(JSON.parse(body));
    // RunJob passes nothing else on.
    if (request.kind !== "run") throw new Error(`a ${request.kind} request is not for the flex lane`);
    const outcome = await runStored(request, ports, settings);
    count({ DirectJobsEnded: outcome === "ended" ? 1 : 0, DuplicateJobs: outcome === "duplicate" ? 1 : 0 });
  }),
);
