import { Duration } from "aws-cdk-lib";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import { Construct } from "constructs";
import { PREFIXES, segmentKey } from "../lambdas/domain/object-keys.ts";
import type { Env as RetryDeadLettersEnv } from "../lambdas/retry-dead-letters/env.ts";
import type { Env as RunFlexEnv } from "../lambdas/run-flex/env.ts";
import type { Env as RunJobEnv } from "../lambdas/run-job/env.ts";
import { ANY_SEGMENT } from "./any-key.ts";
import {
  deadLetterQueuesOf,
  deadLetterUrls,
  ownDeadLetterQueuesOf,
  ownDeadLetterUrls,
} from "./dead-letters.ts";
import { GatewayFunction } from "./gateway-function.ts";
import {
  readObjects,
  receiveFrom,
  sendTo,
  tellMissingObjects,
  useLimits,
  useTable,
  writeObjects,
} from "./permissions.ts";
import { writeSegments } from "./segment-permissions.ts";
import type { StageParts } from "./stage-parts.ts";
import { sendToWorkloads, workloadUrls } from "./workloads/workload-queues.ts";
import { sendToTenants } from "./tenant-queue-permissions.ts";

/** Seconds for which calls of the flex lane are gathered. */
const FLEX_GATHERING_SECONDS = 2;

/** Jobs that cannot wait, and those whose turn in a batch is over: called one by one, at once. */
export class DirectLane extends Construct {
  readonly runJob: GatewayFunction<RunJobEnv>;
  readonly runFlex: GatewayFunction<RunFlexEnv>;
  readonly retryDeadLetters: GatewayFunction<RetryDeadLettersEnv>;

  constructor(scope: Construct, id: string, parts: StageParts) {
    super(scope, id);
    this.runJob = this.#runJob(parts);
    this.runFlex = this.#runFlex(parts);
    this.retryDeadLetters = this.#retryDeadLetters(parts);
    const { stage, queues } = parts;
    const { batchSize, flexBatchSize, maxConcurrency, runsConcurrency } = stage.settings.direct;
    const common = { ...(maxConcurrency && { maxConcurrency }), reportBatchItemFailures: true };
    for (const { queue } of [queues.jobs.critical, queues.jobs.high]) {
      this.runJob.addEventSource(new SqsEventSource(queue, { ...common, batchSize }));
    }
    // What leaves late batches comes all at once, and must not use up the rate limit that urgent jobs share with it.
    const runs = { ...common, batchSize, maxConcurrency: runsConcurrency };
    this.runJob.addEventSource(new SqsEventSource(queues.runs.queue, runs));
    // Whoever waits for minutes can wait for company: one worker waits for many answers.
    const gathering = {
      batchSize: flexBatchSize,
      maxBatchingWindow: Duration.seconds(FLEX_GATHERING_SECONDS),
    };
    this.runFlex.addEventSource(new SqsEventSource(queues.flexRuns, { ...common, ...gathering }));
  }

  #runJob({ stage, storage, queues, accounts }: StageParts): GatewayFunction<RunJobEnv> {
    const { bucket, jobMap, tenants, tenantLedger } = storage;
    return new GatewayFunction<RunJobEnv>(this, "RunJob", {
      stage,
      environment: {
        GATEWAY_BUCKET: bucket.bucketName,
        JOB_MAP_TABLE: jobMap.tableName,
        TENANTS_TABLE: tenants.tableName,
        TENANT_LEDGER_TABLE: tenantLedger.tableName,
        DELIVERIES_QUEUE_URL: queues.deliveries.queue.queueUrl,
        RUNS_QUEUE_URL: queues.runs.queue.queueUrl,
        WORKLOAD_QUEUES: workloadUrls(this, queues),
        FLEX_RUNS_QUEUE_URL: queues.flexRuns.queueUrl,
        HEDGE_SHARE: String(stage.settings.direct.hedgeShare),
        DEAD_LETTER_QUEUE_URLS: deadLetterUrls(this, queues),
        PROVIDER_ACCOUNTS: accounts.json,
        TIER_DUE_SECONDS: JSON.stringify(stage.settings.tierDueSeconds),
        MAX_REQUEST_BYTES: String(stage.settings.maxRequestBytes),
      },
      permissions: [
        readObjects(bucket, `${PREFIXES.uploads}*`, segmentKey(ANY_SEGMENT), `${PREFIXES.results}*`),
        // A message that SQS gave up on comes by way of the bucket when it is large.
        readObjects(bucket, `${PREFIXES.deadLetters}*`),
        // A message may name an upload that is not there; a call that was cut off may have stored its result or not.
        tellMissingObjects(bucket),
        // A job that can wait is admitted like any other, whatever queue it came through.
        ...writeSegments(bucket),
        writeObjects(bucket, `${PREFIXES.results}*`, `${PREFIXES.deadLetters}*`),
        useTable(jobMap, "GetItem", "BatchGetItem", "PutItem", "UpdateItem"),
        useTable(tenants, "GetItem"),
        useLimits(tenants, "PutItem"),
        useTable(tenantLedger, "GetItem", "PutItem"),
        sendTo(queues.deliveries.queue, queues.runs.queue, queues.flexRuns, ...deadLetterQueuesOf(queues)),
        // Somebody waits for these results: they take no detour through our own queue.
        ...sendToTenants(this, stage),
        ...sendToWorkloads(queues),
        accounts.permission,
      ],
    });
  }

  #runFlex({ stage, storage, queues, accounts }: StageParts): GatewayFunction<RunFlexEnv> {
    const { bucket, jobMap, tenantLedger } = storage;
    return new GatewayFunction<RunFlexEnv>(this, "RunFlex", {
      stage,
      environment: {
        GATEWAY_BUCKET: bucket.bucketName,
        JOB_MAP_TABLE: jobMap.tableName,
        TENANT_LEDGER_TABLE: tenantLedger.tableName,
        DELIVERIES_QUEUE_URL: queues.deliveries.queue.queueUrl,
        RUNS_QUEUE_URL: queues.runs.queue.queueUrl,
        DEAD_LETTER_QUEUE_URLS: deadLetterUrls(this, queues),
        PROVIDER_ACCOUNTS: accounts.json,
        FLEX_CALL_SECONDS: String(stage.settings.direct.flexCallSeconds),
      },
      permissions: [
        readObjects(bucket, segmentKey(ANY_SEGMENT), `${PREFIXES.results}*`),
        tellMissingObjects(bucket),
        writeObjects(bucket, `${PREFIXES.results}*`),
        useTable(jobMap, "GetItem", "PutItem", "UpdateItem"),
        useTable(tenantLedger, "GetItem", "PutItem"),
        sendTo(queues.deliveries.queue, queues.runs.queue, ...deadLetterQueuesOf(queues)),
        accounts.permission,
      ],
    });
  }

  #retryDeadLetters({ stage, storage, queues }: StageParts): GatewayFunction<RetryDeadLettersEnv> {
    return new GatewayFunction<RetryDeadLettersEnv>(this, "RetryDeadLetters", {
      stage,
      environment: {
        GATEWAY_BUCKET: storage.bucket.bucketName,
        DEAD_LETTER_QUEUE_URLS: deadLetterUrls(this, queues),
        OWN_DEAD_LETTER_QUEUE_URLS: ownDeadLetterUrls(this, queues),
        RUNS_QUEUE_URL: queues.runs.queue.queueUrl,
        DELIVERIES_QUEUE_URL: queues.deliveries.queue.queueUrl,
      },
      permissions: [
        receiveFrom(...deadLetterQueuesOf(queues), ...ownDeadLetterQueuesOf(queues)),
        sendTo(queues.runs.queue, queues.deliveries.queue),
        writeObjects(storage.bucket, `${PREFIXES.deadLetters}*`),
      ],
    });
  }
}
