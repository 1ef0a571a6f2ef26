import type { SQSClient } from "@aws-sdk/client-sqs";
import {
  type AwsEnvironment,
  documentClient,
  s3Client,
  sesClient,
  sfnClient,
  sqsClient,
} from "../lambdas/adapters/aws-clients.ts";
import { DynamoBatches } from "../lambdas/adapters/dynamo-batches.ts";
import { DynamoBudgets } from "../lambdas/adapters/dynamo-budgets.ts";
import { DynamoJobMap } from "../lambdas/adapters/dynamo-job-map.ts";
import { DynamoLedger } from "../lambdas/adapters/dynamo-ledger.ts";
import { DynamoTenants } from "../lambdas/adapters/dynamo-tenants.ts";
import { DynamoWorkloadRecords } from "../lambdas/adapters/dynamo-workload-records.ts";
import { type Mailer, SesMailer } from "../lambdas/adapters/ses-mailer.ts";
import { type LeadRuns, SfnLeadRuns } from "../lambdas/adapters/sfn-lead-runs.ts";
import { SqsDeadLetterInbox } from "../lambdas/adapters/sqs-dead-letter-inbox.ts";
import { SqsOutbox } from "../lambdas/adapters/sqs-outbox.ts";
import { S3ObjectStore } from "../lambdas/adapters/s3-object-store.ts";
import type { LetterQueue } from "../lambdas/domain/dead-letter.ts";
import { type TenantId, tenantIdSchema } from "../lambdas/domain/ids.ts";
import type { Tenant } from "../lambdas/domain/tenant-policy.ts";
import { TIERS } from "../lambdas/domain/vocabulary.ts";
import type {
  Batches,
  Budgets,
  DeadLetterInbox,
  DeliveryQueue,
  JobMap,
  Ledger,
  ObjectStore,
  Outbox,
  RunQueue,
  Tenants,
} from "../lambdas/ports.ts";
import type { WorkloadRecords } from "../lambdas/workload-records.ts";
import { OperatorError } from "./operator-error.ts";
import type { StackOutputs } from "./stack-outputs.ts";

/** One dead-letter queue: its name, and the queue it belongs to. */
export type DeadLetterQueue = {
  readonly name: string;
  /** Undefined for one that this release does not know. */
  readonly queue: LetterQueue | undefined;
  readonly inbox: DeadLetterInbox;
};

/** What the operator's commands work on: one deployed stack. */
export type Stack = {
  readonly stackName: string;
  readonly tenants: Tenants;
  readonly budgets: Budgets;
  readonly ledger: Ledger;
  readonly batches: Pick<Batches, "get" | "holdOf" | "listOpen" | "listPlanned">;
  readonly jobs: Pick<JobMap, "get" | "getMany">;
  readonly objects: ObjectStore;
  readonly sqs: SQSClient;
  readonly runs: RunQueue;
  readonly deliveries: DeliveryQueue;
  readonly deadLetters: readonly DeadLetterQueue[];
  /** Throws OperatorError where the stack has no workload that remembers something. */
  readonly workloadRecords: () => WorkloadRecords;
  /** Throws OperatorError where the stack's outputs know of no lead scoring. */
  readonly leadRuns: () => LeadRuns;
  readonly mailer: Mailer;
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
  const s3 = s3Client(environment);
  const ses = sesClient(environment);
  const sfn = sfnClient(environment);
  return {
    stackName,
    tenants: new DynamoTenants(dynamo, outputs.TenantsTableName),
    budgets: new DynamoBudgets(dynamo, outputs.TenantsTableName),
    ledger: new DynamoLedger(dynamo, outputs.TenantLedgerTableName),
    batches: new DynamoBatches(dynamo, outputs.BatchesTableName),
    jobs: new DynamoJobMap(dynamo, outputs.JobMapTableName),
    objects: new S3ObjectStore(s3, outputs.GatewayBucketName),
    sqs,
    runs: outboxOf(sqs, outputs.RunsQueueUrl, "RunsQueueUrl"),
    deliveries: outboxOf(sqs, outputs.DeliveriesQueueUrl, "DeliveriesQueueUrl"),
    deadLetters: outputs.DeadLetterQueueUrls.map((url) => {
      const name = url.slice(url.lastIndexOf("/") + 1);
      return { name, queue: letterQueueOf(name), inbox: new SqsDeadLetterInbox(sqs, url) };
    }),
    workloadRecords: () => {
      if (outputs.WorkloadsTableName !== undefined)
        return new DynamoWorkloadRecords(dynamo, outputs.WorkloadsTableName);
      throw new OperatorError("the stack has no such workload: see docs/workloads for how to switch one on");
    },
    leadRuns: () => {
      if (outputs.LeadScoringArn !== undefined) return new SfnLeadRuns(sfn, outputs.LeadScoringArn);
      throw new OperatorError(
        "the outputs have no LeadScoringArn: the stack has no lead scoring (see docs/workloads/lead-scoring.md), or they are of an earlier release, then deploy this one first",
      );
    },
    mailer: new SesMailer(ses),
    close: () => {
      sfn.destroy();
      ses.destroy();
      sqs.destroy();
      dynamo.destroy();
      s3.destroy();
    },
  };
}

/** The queues of the workloads, by what their names end in. */
const WORKLOAD_QUEUES = [
  "post-call-results",
  "lead-scoring-results",
  "re-index-results",
  "transcripts",
  "kb-changes",
];

/** The queue of this output; of a stack whose outputs lack it nothing can be sent there. */
function outboxOf<Message>(sqs: SQSClient, url: string | undefined, output: string): Outbox<Message> {
  if (url !== undefined) return new SqsOutbox<Message>(sqs, url);
  const problem = `the outputs have no ${output}: they are of an earlier release, deploy this one first`;
  return { send: () => Promise.reject(new OperatorError(problem)) };
}

/** `<stack>-jobs-normal-dead` belongs to the tier normal, `<stack>-transcripts-dead` to a workload. */
function letterQueueOf(name: string): LetterQueue | undefined {
  if (WORKLOAD_QUEUES.some((queue) => name.endsWith(`-${queue}-dead`))) return "workload";
  return ([...TIERS, "runs", "deliveries"] as const).find((queue) => name.endsWith(`-${queue}-dead`));
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
