import { parseEnvironment } from "../runtime/environment.ts";
import {
  jobSender,
  objectStore,
  tenants,
  vectorCache,
  vectorIndex,
  workloadRecords,
} from "../runtime/ports.ts";
import { queueConsumer } from "../runtime/queue-consumer.ts";
import { systemRuntime } from "../runtime/system-runtime.ts";
import { count } from "../runtime/telemetry.ts";
import { envSchema } from "./env.ts";
import { takeDocuments } from "./take-documents.ts";

const env = parseEnvironment(envSchema);
const ports = {
  objects: objectStore(env),
  tenants: tenants(env),
  records: workloadRecords(env),
  vectors: vectorCache(env),
  vectorIndex: vectorIndex(env),
  jobs: jobSender(env),
  runtime: systemRuntime,
};

export const handler = queueConsumer(async (records) => {
  const { failed, counts } = await takeDocuments(records, ports);
  count({
    DocumentsBegun: counts.pending ?? 0,
    DocumentsPublished: counts.published ?? 0,
    DocumentsRemoved: counts.removed ?? 0,
    DocumentsRefused: counts.refused ?? 0,
    DocumentsIgnored: counts.ignored ?? 0,
  });
  return failed;
});
