import { parseEnvironment } from "../runtime/environment.ts";
import { objectStore, tenants, vectorCache, vectorIndex, workloadRecords } from "../runtime/ports.ts";
import { queueConsumer } from "../runtime/queue-consumer.ts";
import { systemRuntime } from "../runtime/system-runtime.ts";
import { count } from "../runtime/telemetry.ts";
import { envSchema } from "./env.ts";
import { takeEmbeddings } from "./take-embeddings.ts";

const env = parseEnvironment(envSchema);
const ports = {
  objects: objectStore(env),
  tenants: tenants(env),
  records: workloadRecords(env),
  vectors: vectorCache(env),
  vectorIndex: vectorIndex(env),
  runtime: systemRuntime,
};

export const handler = queueConsumer(async (records) => {
  const { failed, embedded, counts } = await takeEmbeddings(records, ports);
  count({
    TextsEmbedded: embedded,
    DocumentsPublished: counts.published ?? 0,
    EmbeddingsFailed: counts.failed ?? 0,
  });
  return failed;
});
