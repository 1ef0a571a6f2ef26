import { parseEnvironment } from "../runtime/environment.ts";
import { RetryableError } from "../domain/failures.ts";
import { knowledgeChanges, objectStore, tenants, workloadRecords } from "../runtime/ports.ts";
import { systemRuntime } from "../runtime/system-runtime.ts";
import { count, logFailure, observed } from "../runtime/telemetry.ts";
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
    const { checked, failures } = await checkKnowledge(ports);
    for (const failure of failures) logFailure("a tenant's documents could not be checked", failure);
    count({ DocumentsChecked: checked });
    // For the alarm on failed functions: the rest was done, and the next look tries these again.
    if (failures.length > 0) throw new RetryableError(`${failures.length} tenants could not be checked`);
    return { checked };
  });
