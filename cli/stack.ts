import type { SQSClient } from "@aws-sdk/client-sqs";
import { type AwsEnvironment, documentClient, sqsClient } from "../lambdas/adapters/aws-clients.ts";
import { DynamoBatches } from "../lambdas/adapters/dynamo-batches.ts";
import { DynamoJobMap } from "../lambdas/adapters/dynamo-job-map.ts";
import { DynamoLedger } from "../lambdas/adapters/dynamo-ledger.ts";
import { DynamoTenants } from "../lambdas/adapters/dynamo-tenants.ts";
import { type TenantId, tenantIdSchema } from "../lambdas/domain/ids.ts";
import type { Tenant } from "../lambdas/domain/tenant-policy.ts";
import type { Batches, JobMap, Ledger, Tenants } from "../lambdas/ports.ts";
import { OperatorError } from "./operator-error.ts";
import type { StackOutputs } from "./stack-outputs.ts";

/** What the operator's commands work on: one deployed stack. */
export type Stack = {
  readonly stackName: string;
  readonly tenants: Tenants;
  readonly ledger: Ledger;
  readonly batches: Pick<Batches, "get" | "listOpen">;
  readonly jobs: Pick<JobMap, "get">;
  readonly sqs: SQSClient;
  readonly deadLetterQueueUrls: readonly string[];
  close(): void;
};

/** The local stack takes any, and real ones have no business there. */
const LOCAL_CREDENTIALS = { accessKeyId: "local-operator", secretAccessKey: "local-operator" };

/** Clients with the operator's own credentials, or any for a stack on this machine. */
export function openStack(stackName: string, outputs: StackOutputs): Stack {
  const { Endpoint: endpoint, Region: region } = outputs;
  const environment: AwsEnvironment = {
    AWS_REGION: region ?? regionOf(outputs.DeadLetterQueueUrls[0]) ?? process.env["AWS_REGION"],
    AWS_ENDPOINT_URL: endpoint ?? process.env["AWS_ENDPOINT_URL"],
    ...(endpoint !== undefined && { credentials: LOCAL_CREDENTIALS }),
  };
  const sqs = sqsClient(environment);
  const dynamo = documentClient(environment);
  return {
    stackName,
    tenants: new DynamoTenants(dynamo, outputs.TenantsTableName),
    ledger: new DynamoLedger(dynamo, outputs.TenantLedgerTableName),
    batches: new DynamoBatches(dynamo, outputs.BatchesTableName),
    jobs: new DynamoJobMap(dynamo, outputs.JobMapTableName),
    sqs,
    deadLetterQueueUrls: outputs.DeadLetterQueueUrls,
    close: () => {
      sqs.destroy();
      dynamo.destroy();
    },
  };
}

/** A stack's own queues say where it is: `https://sqs.eu-west-1.amazonaws.com/…`. */
function regionOf(queueUrl: string | undefined): string | undefined {
  return /^https:\/\/sqs\.([a-z0-9-]+)\.amazonaws\./.exec(queueUrl ?? "")?.[1];
}

/** Throws OperatorError when there is no such tenant. */
export async function tenantNamed(stack: Pick<Stack, "tenants">, name: string): Promise<Tenant> {
  const id = tenantIdSchema.safeParse(name);
  const tenant = id.success ? await stack.tenants.get(id.data) : undefined;
  if (tenant !== undefined) return tenant;
  throw new OperatorError(`there is no tenant ${name}: see \`offpeak tenants list\``);
}

/** The named tenant's id, or those of all, in order. */
export async function tenantIds(
  stack: Pick<Stack, "tenants">,
  name: string | undefined,
): Promise<TenantId[]> {
  if (name !== undefined) return [(await tenantNamed(stack, name)).policy.tenantId];
  const ids: TenantId[] = [];
  for await (const { policy } of stack.tenants.list()) ids.push(policy.tenantId);
  return ids.toSorted((a, b) => (a < b ? -1 : 1));
}
