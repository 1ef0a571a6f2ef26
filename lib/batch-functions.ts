import type { Construct } from "constructs";
import type { Env as CloseBatchEnv } from "../lambdas/close-batch/env.ts";
import type { Env as CollectResultsEnv } from "../lambdas/collect-results/env.ts";
import {
  batchInputKey,
  batchManifestKey,
  openSegmentKey,
  PREFIXES,
  segmentIndexKey,
} from "../lambdas/domain/object-keys.ts";
import type { Env as PollBatchEnv } from "../lambdas/poll-batch/env.ts";
import type { Env as SettlePartEnv } from "../lambdas/settle-part/env.ts";
import type { Env as SubmitBatchEnv } from "../lambdas/submit-batch/env.ts";
import { ANY_BATCH, ANY_SEGMENT } from "./any-key.ts";
import { deadLetterQueuesOf, deadLetterUrls } from "./dead-letters.ts";
import { GatewayFunction } from "./gateway-function.ts";
import { readObjects, sendTo, useTable, writeObjects } from "./permissions.ts";
import type { StageParts } from "./stage-parts.ts";

/** The steps of RunBatch. */
export type BatchFunctions = {
  readonly submitBatch: GatewayFunction<SubmitBatchEnv>;
  readonly pollBatch: GatewayFunction<PollBatchEnv>;
  readonly collectResults: GatewayFunction<CollectResultsEnv>;
  readonly settlePart: GatewayFunction<SettlePartEnv>;
  readonly closeBatch: GatewayFunction<CloseBatchEnv>;
};

export function batchFunctions(scope: Construct, parts: StageParts): BatchFunctions {
  return {
    submitBatch: submitBatch(scope, parts),
    pollBatch: pollBatch(scope, parts),
    collectResults: collectResults(scope, parts),
    settlePart: settlePart(scope, parts),
    closeBatch: closeBatch(scope, parts),
  };
}

const MANIFEST = batchManifestKey(ANY_BATCH);
/** What collecting leaves behind: the provider's lines and the plan of settling them. */
const COLLECTED = `${PREFIXES.batches}*/g*/*`;

function submitBatch(scope: Construct, { stage, storage, accounts }: StageParts) {
  const { bucket, batches } = storage;
  return new GatewayFunction<SubmitBatchEnv>(scope, "SubmitBatch", {
    stage,
    environment: {
      GATEWAY_BUCKET: bucket.bucketName,
      BATCHES_TABLE: batches.tableName,
      PROVIDER_ACCOUNTS: accounts.json,
      STACK_NAME: stage.settings.stackName,
    },
    permissions: [
      readObjects(bucket, batchInputKey(ANY_BATCH)),
      useTable(batches, "GetItem", "PutItem", "DeleteItem"),
      accounts.permission,
    ],
  });
}

function pollBatch(scope: Construct, { stage, storage, accounts }: StageParts) {
  return new GatewayFunction<PollBatchEnv>(scope, "PollBatch", {
    stage,
    environment: {
      GATEWAY_BUCKET: storage.bucket.bucketName,
      BATCHES_TABLE: storage.batches.tableName,
      PROVIDER_ACCOUNTS: accounts.json,
      STACK_NAME: stage.settings.stackName,
    },
    permissions: [useTable(storage.batches, "GetItem"), accounts.permission],
  });
}

function collectResults(scope: Construct, { stage, storage, accounts }: StageParts) {
  const { bucket, batches } = storage;
  return new GatewayFunction<CollectResultsEnv>(scope, "CollectResults", {
    stage,
    environment: {
      GATEWAY_BUCKET: bucket.bucketName,
      BATCHES_TABLE: batches.tableName,
      PROVIDER_ACCOUNTS: accounts.json,
      STACK_NAME: stage.settings.stackName,
    },
    permissions: [
      readObjects(bucket, MANIFEST, COLLECTED),
      writeObjects(bucket, COLLECTED),
      useTable(batches, "GetItem", "PutItem"),
      accounts.permission,
    ],
  });
}

function settlePart(scope: Construct, { stage, storage, queues }: StageParts) {
  const { bucket, batches, jobMap, tenantLedger } = storage;
  return new GatewayFunction<SettlePartEnv>(scope, "SettlePart", {
    stage,
    environment: {
      GATEWAY_BUCKET: bucket.bucketName,
      BATCHES_TABLE: batches.tableName,
      JOB_MAP_TABLE: jobMap.tableName,
      TENANT_LEDGER_TABLE: tenantLedger.tableName,
      DELIVERIES_QUEUE_URL: queues.deliveries.queue.queueUrl,
      DEAD_LETTER_QUEUE_URLS: deadLetterUrls(scope, queues),
    },
    permissions: [
      readObjects(bucket, MANIFEST, COLLECTED),
      writeObjects(bucket, `${PREFIXES.results}*`),
      // Attempts that failed wait for the next window as a segment.
      writeObjects(bucket, segmentIndexKey(ANY_SEGMENT), openSegmentKey(ANY_SEGMENT)),
      useTable(batches, "GetItem"),
      useTable(jobMap, "GetItem", "PutItem", "UpdateItem"),
      useTable(tenantLedger, "GetItem", "PutItem"),
      sendTo(queues.deliveries.queue, ...deadLetterQueuesOf(queues)),
    ],
  });
}

function closeBatch(scope: Construct, { stage, storage }: StageParts) {
  return new GatewayFunction<CloseBatchEnv>(scope, "CloseBatch", {
    stage,
    environment: { BATCHES_TABLE: storage.batches.tableName },
    permissions: [useTable(storage.batches, "GetItem", "PutItem", "DeleteItem")],
  });
}
