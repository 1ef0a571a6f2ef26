import { parseEnvironment } from "../runtime/environment.ts";
import { objectStore, workloadRecords } from "../runtime/ports.ts";
import { eachRecord, queueConsumer } from "../runtime/queue-consumer.ts";
import { count } from "../runtime/telemetry.ts";
import { envSchema } from "./env.ts";
import { takeLeadAnswers } from "./take-lead-answers.ts";

const env = parseEnvironment(envSchema);
const ports = { objects: objectStore(env), records: workloadRecords(env), now: Date.now };

export const handler = queueConsumer((records) =>
  eachRecord(records, async ({ body }) => {
    const { taken, known, stray } = await takeLeadAnswers(body, ports);
    count({ LeadAnswersTaken: taken, LeadAnswersKnown: known, LeadAnswersStray: stray });
  }),
);
