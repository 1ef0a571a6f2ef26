import { parseEnvironment } from "../runtime/environment.ts";
import { jobSender, objectStore, tenantQueues, tenants } from "../runtime/ports.ts";
import { eachRecord, queueConsumer } from "../runtime/queue-consumer.ts";
import { count } from "../runtime/telemetry.ts";
import { envSchema } from "./env.ts";
import { takeTranscripts } from "./take-transcripts.ts";

const env = parseEnvironment(envSchema);
const ports = {
  objects: objectStore(env),
  tenants: tenants(env),
  queues: tenantQueues(),
  jobs: jobSender(env),
};

export const handler = queueConsumer((records) =>
  eachRecord(records, async ({ messageId, body, attributes }) => {
    const { SenderId: senderId = null, SentTimestamp: sentAt } = attributes;
    const { calls, refused } = await takeTranscripts({ messageId, body, senderId, sentAt }, ports);
    count({ TranscriptsTaken: calls, TranscriptsRefused: refused });
  }),
);
