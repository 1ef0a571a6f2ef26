import { documentClient } from "../../lambdas/adapters/aws-clients.ts";
import { DynamoJobMap } from "../../lambdas/adapters/dynamo-job-map.ts";
import { jobIdSchema, tenantIdSchema } from "../../lambdas/domain/ids.ts";
import type { ResultReader } from "../../local/demo/result-reader.ts";
import type { LocalGateway } from "../../local/gateway/local-gateway.ts";

/** Jobs that have several ends, or whose one end is not what the job map says. */
export async function endFaults(
  sent: ReadonlySet<string>,
  reader: ResultReader,
  gateway: LocalGateway,
): Promise<string[]> {
  const client = documentClient({
    AWS_REGION: gateway.aws.region,
    AWS_ENDPOINT_URL: gateway.aws.endpoint,
    credentials: { accessKeyId: "local-operator", secretAccessKey: "local-operator" },
  });
  const jobs = new DynamoJobMap(client, gateway.outputs["JobMapTableName"] ?? "");
  const faults = reader.contradictions.map(({ jobId }) => `job ${jobId} was delivered with two ends`);
  for (const key of sent) {
    const result = reader.first.get(key);
    if (result === undefined) continue;
    const jobId = jobIdSchema.parse(result.jobId);
    const job = await jobs.get(tenantIdSchema.parse(result.tenantId), jobId);
    if (job?.state !== "ended" || job.status !== result.status || job.costPicoUsd !== result.costPicoUsd)
      faults.push(`job ${jobId} was delivered as ${result.status} and is ${job?.state} in the job map`);
  }
  client.destroy();
  return faults;
}
