import { parseEnvironment } from "../runtime/environment.ts";
import { knowledgeChanges, objectStore, tenants, workloadRecords } from "../runtime/ports.ts";
import { systemRuntime } from "../runtime/system-runtime.ts";
import { count, observed } from "../runtime/telemetry.ts";
import { checkKnowledge } from "./check-knowledge.ts";
import { envSchema } from "./env.ts";

const env = parseEnvironment(envSchema);
const ports = {
  objects: objectStore(env),
  tenants: tenants(env),
  records: workloadRecords(env),
  changes: knowledgeChanges(env),
  runtime: systemRuntime,
  inVectors: env.VECTOR_BUCKET_ARN !== undefined,
};

export const handler = () =>
  observed(async () => {
    const checked = await checkKnowledge(ports);
    count({ DocumentsChecked: checked });
    return { checked };
  });
