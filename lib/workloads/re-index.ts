import { Duration } from "aws-cdk-lib";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import { Schedule, ScheduleExpression } from "aws-cdk-lib/aws-scheduler";
import { LambdaInvoke } from "aws-cdk-lib/aws-scheduler-targets";
import { Construct } from "constructs";
import type { Env as CheckKnowledgeEnv } from "../../lambdas/check-knowledge/env.ts";
import { PREFIXES } from "../../lambdas/domain/object-keys.ts";
import type { Env as TakeDocumentsEnv } from "../../lambdas/take-documents/env.ts";
import type { Env as TakeEmbeddingsEnv } from "../../lambdas/take-embeddings/env.ts";
import { GatewayFunction } from "../gateway-function.ts";
import {
  deleteObjects,
  findTenantsWith,
  grant,
  listObjects,
  readObjects,
  sendTo,
  tellMissingObjects,
  useTable,
  writeObjects,
} from "../permissions.ts";
import type { QueuePair } from "../queues.ts";
import { outputSenderIds } from "./sender-ids.ts";
import { VectorBucket } from "./vector-bucket.ts";
import { jobQueueUrls } from "./workload-queues.ts";
import type { WorkloadParts } from "./workload-parts.ts";

/** How often it is looked for documents that no event told of, and for those of another model than their tenant's. */
const CHECK_PERIOD = Duration.minutes(15);

/** Messages that are taken together: queries are shown what came of them once. */
const CHANGES_AT_ONCE = 50;
const RESULTS_AT_ONCE = 10;
const GATHERING = Duration.seconds(5);
/** Workers for each queue: more would write the same tenant's manifests in each other's way. */
const WORKERS = 5;

const INDEXES = `${PREFIXES.workloads}re-index/`;

/** Tenants' documents as they change: split, embedded through the batch lane, and searchable as files and in S3 Vectors. */
export class ReIndex extends Construct {
  readonly functions: readonly IFunction[];
  readonly #vectors: VectorBucket | undefined;

  constructor(scope: Construct, id: string, parts: WorkloadParts) {
    super(scope, id);
    const { queues, objectEvents } = parts;
    const { knowledgeChanges: changes, workloads } = queues;
    const results = workloads.reIndex;
    if (!changes || !results) throw new Error("the stage has no queues for re-indexing");
    const { settings } = parts.stage;
    this.#vectors = settings.workloads.s3Vectors ? new VectorBucket(this, "Vectors", settings) : undefined;
    objectEvents.tell(changes.queue, PREFIXES.knowledge, ["ObjectCreated:*", "ObjectRemoved:*"]);
    const takeDocuments = this.#takeDocuments(parts, changes);
    const takeEmbeddings = this.#takeEmbeddings(parts, results);
    const checkKnowledge = this.#checkKnowledge(parts, changes);
    this.functions = [takeDocuments, takeEmbeddings, checkKnowledge];
    outputSenderIds(this, "ReIndexSenderIds", [takeDocuments]);
  }

  #takeDocuments(parts: WorkloadParts, changes: QueuePair) {
    const { stage, storage, queues, workloadStorage } = parts;
    const { bucket, tenants } = storage;
    const takeDocuments = new GatewayFunction<TakeDocumentsEnv>(this, "TakeDocuments", {
      stage,
      environment: {
        GATEWAY_BUCKET: bucket.bucketName,
        TENANTS_TABLE: tenants.tableName,
        WORKLOADS_TABLE: workloadStorage.table.tableName,
        JOB_QUEUE_URLS: jobQueueUrls(this, queues),
        ...this.#vectors?.environment,
      },
      permissions: [
        readObjects(bucket, `${PREFIXES.knowledge}*`),
        ...this.#publish(parts),
        sendTo(queues.jobs.low.queue),
      ],
    });
    takeDocuments.addEventSource(
      new SqsEventSource(changes.queue, {
        batchSize: CHANGES_AT_ONCE,
        maxBatchingWindow: GATHERING,
        maxConcurrency: WORKERS,
        reportBatchItemFailures: true,
      }),
    );
    return takeDocuments;
  }

  #takeEmbeddings(parts: WorkloadParts, results: QueuePair) {
    const { stage, storage, workloadStorage } = parts;
    const takeEmbeddings = new GatewayFunction<TakeEmbeddingsEnv>(this, "TakeEmbeddings", {
      stage,
      environment: {
        GATEWAY_BUCKET: storage.bucket.bucketName,
        TENANTS_TABLE: storage.tenants.tableName,
        WORKLOADS_TABLE: workloadStorage.table.tableName,
        ...this.#vectors?.environment,
      },
      permissions: [readObjects(storage.bucket, `${PREFIXES.results}*`), ...this.#publish(parts)],
    });
    takeEmbeddings.addEventSource(
      new SqsEventSource(results.queue, {
        batchSize: RESULTS_AT_ONCE,
        maxBatchingWindow: GATHERING,
        maxConcurrency: WORKERS,
        reportBatchItemFailures: true,
      }),
    );
    return takeEmbeddings;
  }

  #checkKnowledge({ stage, storage, workloadStorage }: WorkloadParts, changes: QueuePair) {
    const { bucket, tenants } = storage;
    const { table } = workloadStorage;
    const checkKnowledge = new GatewayFunction<CheckKnowledgeEnv>(this, "CheckKnowledge", {
      stage,
      environment: {
        GATEWAY_BUCKET: bucket.bucketName,
        TENANTS_TABLE: tenants.tableName,
        WORKLOADS_TABLE: table.tableName,
        KB_CHANGES_QUEUE_URL: changes.queue.queueUrl,
        ...this.#vectors?.environment,
      },
      permissions: [
        listObjects(bucket, PREFIXES.knowledge),
        useTable(tenants, "GetItem"),
        findTenantsWith(tenants, "reIndex"),
        useTable(table, "Query"),
        sendTo(changes.queue),
      ],
    });
    const role = new Role(this, "SchedulerRole", {
      assumedBy: new ServicePrincipal("scheduler.amazonaws.com"),
    });
    grant(role, [{ actions: ["lambda:InvokeFunction"], resources: [checkKnowledge.functionArn] }]);
    new Schedule(this, "EveryQuarter", {
      description: "Looks for documents that the index does not have as they are",
      schedule: ScheduleExpression.rate(CHECK_PERIOD),
      target: new LambdaInvoke(checkKnowledge, {
        role: role.withoutPolicyUpdates(),
        // The next one finds whatever this one would have.
        maxEventAge: CHECK_PERIOD,
        retryAttempts: 0,
      }),
    });
    return checkKnowledge;
  }

  /** What both functions need that may complete a version. */
  #publish({ storage, workloadStorage }: WorkloadParts) {
    const { bucket, tenants } = storage;
    return [
      readObjects(bucket, `${INDEXES}*`),
      tellMissingObjects(bucket),
      writeObjects(bucket, `${INDEXES}*`),
      deleteObjects(bucket, `${INDEXES}*`),
      listObjects(bucket, INDEXES),
      useTable(tenants, "GetItem"),
      useTable(workloadStorage.table, "GetItem", "BatchGetItem", "Query", "PutItem", "BatchWriteItem"),
      ...(this.#vectors ? [this.#vectors.write()] : []),
    ];
  }
}
