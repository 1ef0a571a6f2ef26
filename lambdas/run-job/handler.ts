import { incomingMessage } from "../admit-jobs/incoming.ts";
import { runRequestSchema } from "../domain/internal-messages.ts";
import { parseEnvironment } from "../runtime/environment.ts";
import { admissionPorts, flexRunQueue, ledger, tenantQueues } from "../runtime/ports.ts";
import { directProviderOf } from "../runtime/providers.ts";
import { eachRecord, queueConsumer, type QueueRecord } from "../runtime/queue-consumer.ts";
import { systemRuntime } from "../runtime/system-runtime.ts";
import { count } from "../runtime/telemetry.ts";
import { directTelling } from "./direct-telemetry.ts";
import { DIRECT_SETTINGS } from "./direct-work.ts";
import { envSchema } from "./env.ts";
import { rateGate } from "./rate-gate.ts";
import { runMessage, runRequested } from "./run-messages.ts";

const env = parseEnvironment(envSchema);
const admission = admissionPorts(env);
const ports = {
  ...admission,
  straight: { tenants: admission.tenants, queues: tenantQueues(), workloads: env.WORKLOAD_QUEUES },
  ledger: ledger(env),
  flexRuns: flexRunQueue(env),
  direct: directProviderOf(env),
  gate: rateGate(systemRuntime),
  tell: directTelling,
};
const settings = {
  tierDueSeconds: env.TIER_DUE_SECONDS,
  maxRequestBytes: env.MAX_REQUEST_BYTES,
  direct: { ...DIRECT_SETTINGS, hedgeShare: env.HEDGE_SHARE },
};

function run(record: QueueRecord) {
  // Only our own functions can write to the runs queue, so what it holds is a run request.
  return record.eventSourceARN.endsWith("-runs")
    ? runRequested(runRequestSchema.parse(JSON.parse(record.body)), ports, settings)
    : runMessage(incomingMessage(record), ports, settings);
}

export const handler = queueConsumer((records) =>
  eachRecord(records, async (record) => {
    const outcome = await run(record);
    count({
      DirectJobsEnded: outcome === "ended" ? 1 : 0,
      DuplicateJobs: outcome === "duplicate" ? 1 : 0,
      CancelsTaken: outcome === "cancel-answered" ? 1 : 0,
    });
  }),
);
