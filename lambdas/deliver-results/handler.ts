import { deliverySchema } from "../domain/internal-messages.ts";
import { parseEnvironment } from "../runtime/environment.ts";
import { objectStore, tenantQueues, tenants } from "../runtime/ports.ts";
import { eachRecord, queueConsumer } from "../runtime/queue-consumer.ts";
import { count } from "../runtime/telemetry.ts";
import { deliverResults } from "./deliver-results.ts";
import { envSchema } from "./env.ts";

const env = parseEnvironment(envSchema);
const ports = {
  objects: objectStore(env),
  tenants: tenants(env),
  queues: tenantQueues(),
  workloads: env.WORKLOAD_QUEUES,
};

export const handler = queueConsumer((records) =>
  eachRecord(records, async ({ body }) => {
    const delivered = await deliverResults(deliverySchema.parse(JSON.parse(body)), ports);
    count({ ResultsDelivered: delivered });
  }),
);
