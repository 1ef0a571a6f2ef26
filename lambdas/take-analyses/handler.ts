import { parseEnvironment } from "../runtime/environment.ts";
import { analysisDeadLetters, jobSender, objectStore, tenantQueues, tenants } from "../runtime/ports.ts";
import { eachRecord, queueConsumer } from "../runtime/queue-consumer.ts";
import { count } from "../runtime/telemetry.ts";
import { envSchema } from "./env.ts";
import { takeAnalyses } from "./take-analyses.ts";

const env = parseEnvironment(envSchema);
const ports = {
  objects: objectStore(env),
  tenants: tenants(env),
  queues: tenantQueues(),
  jobs: jobSender(env),
  deadLetters: analysisDeadLetters(env),
};

export const handler = queueConsumer((records) =>
  eachRecord(records, async ({ body }) => {
    const { analyses, passedOn, triedAgain, failed } = await takeAnalyses(body, ports);
    count({
      AnalysesDelivered: analyses,
      ResultsPassedOn: passedOn,
      AnalysesTriedAgain: triedAgain,
      AnalysesFailed: failed,
    });
  }),
);
