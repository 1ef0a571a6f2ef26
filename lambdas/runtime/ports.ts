import type { QueueUrls } from "../../client/queue-urls.ts";
import { documentClient, s3Client, s3VectorsClient, sfnClient, sqsClient } from "../adapters/aws-clients.ts";
import { DynamoBatches } from "../adapters/dynamo-batches.ts";
import { DynamoBudgets } from "../adapters/dynamo-budgets.ts";
import { DynamoJobMap } from "../adapters/dynamo-job-map.ts";
import { DynamoLedger } from "../adapters/dynamo-ledger.ts";
import { DynamoTenants } from "../adapters/dynamo-tenants.ts";
import { DynamoWindows } from "../adapters/dynamo-windows.ts";
import { DynamoVectorCache } from "../adapters/dynamo-vector-cache.ts";
import { DynamoWorkloadRecords } from "../adapters/dynamo-workload-records.ts";
import { S3ObjectStore } from "../adapters/s3-object-store.ts";
import { S3VectorIndex } from "../adapters/s3-vector-index.ts";
import { SfnExecutions } from "../adapters/sfn-executions.ts";
import { SqsDeadLetterInbox } from "../adapters/sqs-dead-letter-inbox.ts";
import { SqsDeadLetterQueues } from "../adapters/sqs-dead-letter-queues.ts";
import { SqsJobSender } from "../adapters/sqs-job-sender.ts";
import { SqsOutbox } from "../adapters/sqs-outbox.ts";
import { SqsTenantQueues } from "../adapters/sqs-tenant-queues.ts";
import type { AdmissionPorts } from "../admit-jobs/admit-jobs.ts";
import type { BudgetWarning } from "../admit-jobs/apply-limits.ts";
import type { LetterQueue } from "../domain/dead-letter.ts";
import type { Delivery, RunRequest } from "../domain/internal-messages.ts";
import { type Tier, TIERS } from "../domain/vocabulary.ts";
import type { CheckMessage } from "../take-documents/changes.ts";
import type { InvalidAnalysis } from "../take-analyses/take-analyses.ts";
import { count, logger } from "./telemetry.ts";
import { systemRuntime } from "./system-runtime.ts";

/**
 * The ports of the deployed functions, each from the environment variable that names it. A function imports only what
 * it uses; clients are made once per technology.
 */
const once = <Value>(make: () => Value): (() => Value) => {
  let made: Value | undefined;
  return () => (made ??= make());
};
const s3 = once(() => s3Client());
const sqs = once(() => sqsClient());
const sfn = once(() => sfnClient());
const dynamo = once(() => documentClient());

export const objectStore = (env: { GATEWAY_BUCKET: string }) => new S3ObjectStore(s3(), env.GATEWAY_BUCKET);
export const jobMap = (env: { JOB_MAP_TABLE: string }) => new DynamoJobMap(dynamo(), env.JOB_MAP_TABLE);
export const ledger = (env: { TENANT_LEDGER_TABLE: string }) =>
  new DynamoLedger(dynamo(), env.TENANT_LEDGER_TABLE);
export const tenants = (env: { TENANTS_TABLE: string }) => new DynamoTenants(dynamo(), env.TENANTS_TABLE);
export const budgets = (env: { TENANTS_TABLE: string }) => new DynamoBudgets(dynamo(), env.TENANTS_TABLE);
export const windows = (env: { BATCHES_TABLE: string }) => new DynamoWindows(dynamo(), env.BATCHES_TABLE);
export const batches = (env: { BATCHES_TABLE: string }) => new DynamoBatches(dynamo(), env.BATCHES_TABLE);
export const runQueue = (env: { RUNS_QUEUE_URL: string }) =>
  new SqsOutbox<RunRequest>(sqs(), env.RUNS_QUEUE_URL);
export const flexRunQueue = (env: { FLEX_RUNS_QUEUE_URL: string }) =>
  new SqsOutbox<RunRequest>(sqs(), env.FLEX_RUNS_QUEUE_URL);
export const deliveryQueue = (env: { DELIVERIES_QUEUE_URL: string }) =>
  new SqsOutbox<Delivery>(sqs(), env.DELIVERIES_QUEUE_URL);
export const executions = (env: { RUN_BATCH_ARN: string }) => new SfnExecutions(sfn(), env.RUN_BATCH_ARN);
export const workloadRecords = (env: { WORKLOADS_TABLE: string }) =>
  new DynamoWorkloadRecords(dynamo(), env.WORKLOADS_TABLE);
export const tenantQueues = () => new SqsTenantQueues(sqs());
export const vectorCache = (env: { WORKLOADS_TABLE: string }) =>
  new DynamoVectorCache(dynamo(), env.WORKLOADS_TABLE);
export const vectorIndex = ({ VECTOR_BUCKET_ARN: arn }: { VECTOR_BUCKET_ARN?: string }) =>
  arn === undefined ? undefined : new S3VectorIndex(s3VectorsClient(), arn);
export const knowledgeChanges = (env: { KB_CHANGES_QUEUE_URL: string }) =>
  new SqsOutbox<CheckMessage>(sqs(), env.KB_CHANGES_QUEUE_URL);
export const jobSender = (env: { JOB_QUEUE_URLS: QueueUrls }) => new SqsJobSender(sqs(), env.JOB_QUEUE_URLS);
export const analysisDeadLetters = (env: { ANALYSES_DEAD_LETTERS_URL: string }) =>
  new SqsOutbox<InvalidAnalysis>(sqs(), env.ANALYSES_DEAD_LETTERS_URL);

type DeadLetterEnv = { DEAD_LETTER_QUEUE_URLS: Readonly<Record<Tier, string>> };
export const deadLetterQueues = (env: DeadLetterEnv) =>
  new SqsDeadLetterQueues(sqs(), env.DEAD_LETTER_QUEUE_URLS);
const inboxOf = (queue: LetterQueue, url: string) => ({ queue, inbox: new SqsDeadLetterInbox(sqs(), url) });

/** Every dead-letter queue, with the queue it belongs to. */
export const deadLetterInboxes = (
  env: DeadLetterEnv & { OWN_DEAD_LETTER_QUEUE_URLS: { runs: string; deliveries: string } },
) => [
  ...TIERS.map((tier) => inboxOf(tier, env.DEAD_LETTER_QUEUE_URLS[tier])),
  inboxOf("runs", env.OWN_DEAD_LETTER_QUEUE_URLS.runs),
  inboxOf("deliveries", env.OWN_DEAD_LETTER_QUEUE_URLS.deliveries),
];

/** For the operator: how many in the metric, whose in the log. */
function tellBudgetWarning({ tenantId, day, share }: BudgetWarning): void {
  count({ BudgetWarnings: 1 });
  logger.warn("most of a tenant's budget of the day is used", { tenantId, day, share });
}

/** What both functions that admit jobs need. */
export function admissionPorts(
  env: DeadLetterEnv & {
    GATEWAY_BUCKET: string;
    JOB_MAP_TABLE: string;
    TENANTS_TABLE: string;
    DELIVERIES_QUEUE_URL: string;
    RUNS_QUEUE_URL: string;
  },
): AdmissionPorts {
  return {
    objects: objectStore(env),
    jobs: jobMap(env),
    tenants: tenants(env),
    budgets: budgets(env),
    warn: tellBudgetWarning,
    deliveries: deliveryQueue(env),
    runs: runQueue(env),
    deadLetters: deadLetterQueues(env),
    runtime: systemRuntime,
  };
}
