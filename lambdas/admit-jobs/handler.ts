import { parseEnvironment } from "../runtime/environment.ts";
import { admissionPorts } from "../runtime/ports.ts";
import { queueConsumer } from "../runtime/queue-consumer.ts";
import { count } from "../runtime/telemetry.ts";
import { admitJobs } from "./admit-jobs.ts";
import { envSchema } from "./env.ts";
import { incomingMessage } from "./incoming.ts";

const env = parseEnvironment(envSchema);
const ports = admissionPorts(env);
const settings = { tierDueSeconds: env.TIER_DUE_SECONDS, maxRequestBytes: env.MAX_REQUEST_BYTES };

export const handler = queueConsumer(async (records) => {
  const report = await admitJobs(records.map(incomingMessage), ports, settings);
  count({
    JobsAdmitted: report.admitted,
    DuplicateJobs: report.duplicates,
    JobsRefused: report.refused,
    CancelsTaken: report.cancels,
    MessagesUnanswerable: report.unanswerable,
  });
  return report.failed;
});
