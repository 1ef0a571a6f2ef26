import type { Construct } from "constructs";
import type { Env as CloseBatchEnv } from "../lambdas/close-batch/env.ts";
import type { Env as CollectResultsEnv } from "../lambdas/collect-results/env.ts";
import {
  batchInputKey,
  batchManifestKey,
  openSegmentKey,
  PREFIXES,
  segmentIndexKey,
  segmentKey,
} from "../lambdas/domain/object-keys.ts";
import type { Env as PollBatchEnv } from "../lambdas/poll-batch/env.ts";
import type { Env as SettlePartEnv } from "../lambdas/settle-part/env.ts";
import type { Env as SubmitBatchEnv } from "../lambdas/submit-batch/env.ts";
import type { Env as WriteBatchEnv } from "../lambdas/write-batch/env.ts";
import { ANY_BATCH, ANY_SEGMENT } from "./any-key.ts";
import { deadLetterQueuesOf, deadLetterUrls } from "./dead-letters.ts";
import { GatewayFunction } from "./gateway-function.ts";
import { readObjects, sendTo, tellMissingObjects, useTable, writeObjects } from "./permissions.ts";
import { stackMark } from "./stack-mark.ts";
import type { StageParts } from "./stage-parts.ts";

/** The steps of RunBatch. */
export type BatchFunctions = {
  readonly writeBatch: GatewayFunction<WriteBatchEnv>;
  readonly submitBatch: GatewayFunction<SubmitBatchEnv>;
  readonly pollBatch: GatewayFunction<PollBatchEnv>;
  readonly collectResults: GatewayFunction<CollectResultsEnv>;
  readonly settlePart: GatewayFunction<SettlePartEnv>;
  readonly closeBatch: GatewayFunction<CloseBatchEnv>;
};

export function batchFunctions(scope: Construct, parts: StageParts): BatchFunctions {
  return {
    writeBatch: writeBatch(scope, parts),
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

function writeBatch(scope: Construct, { stage, storage }: StageParts) {
  const { bucket, batches } = storage;
  const written = [batchInputKey(ANY_BATCH), batchManifestKey(ANY_BATCH)];
  return new GatewayFunction<WriteBatchEnv>(scope, "WriteBatch", {
    stage,
    environment: { GATEWAY_BUCKET: bucket.bucketName, BATCHES_TABLE: batches.tableName },
    permissions: [
      readObjects(bucket, `${PREFIXES.windows}*`, segmentKey(ANY_SEGMENT), ...written),
      // What is not there yet is still to be written.
      tellMissingObjects(bucket),
      writeObjects(bucket, ...written),
      useTable(batches, "GetItem"),
    ],
  });
}

function submitBatch(scope: Construct, { stage, storage, accounts }: StageParts) {
  const { bucket, batches } = storage;
  return new GatewayFunction<SubmitBatchEnv>(scope, "SubmitBatch", {
    stage,
    environment: {
      GATEWAY_BUCKET: bucket.bucketName,
      BATCHES_TABLE: batches.tableName,
      PROVIDER_ACCOUNTS: accounts.json,
      STACK_NAME: stackMark(scope, stage.settings),
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
      STACK_NAME: stackMark(scope, stage.settings),
      ESCALATION: JSON.stringify(stage.settings.escalation),
    },
    // A batch that hangs, or that nobody waits for any more, is cancelled, and given up in the end.
    permissions: [useTable(storage.batches, "GetItem", "PutItem"), accounts.permission],
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
      STACK_NAME: stackMark(scope, stage.settings),
    },
    permissions: [
      readObjects(bucket, MANIFEST, COLLECTED),
      writeObjects(bucket, COLLECTED),
      // One that was given up is registered again, as an orphan; one that was never ours is disowned.
      useTable(batches, "GetItem", "PutItem", "DeleteItem"),
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
      RUNS_QUEUE_URL: queues.runs.queue.queueUrl,
      WAIT_FACTOR: String(stage.settings.waitFactor),
      DEAD_LETTER_QUEUE_URLS: deadLetterUrls(scope, queues),
    },
    permissions: [
      readObjects(bucket, MANIFEST, COLLECTED),
      writeObjects(bucket, `${PREFIXES.results}*`),
      // Attempts that failed wait for the next window as a segment.
      writeObjects(bucket, segmentIndexKey(ANY_SEGMENT), openSegmentKey(ANY_SEGMENT)),
      // An account without credit is held.
      useTable(batches, "GetItem", "PutItem"),
      useTable(jobMap, "GetItem", "PutItem", "UpdateItem"),
      useTable(tenantLedger, "GetItem", "PutItem"),
      sendTo(queues.deliveries.queue, queues.runs.queue, ...deadLetterQueuesOf(queues)),
    ],
  });
}

function closeBatch(scope: Construct, { stage, storage, accounts }: StageParts) {
  const { bucket, batches } = storage;
  return new GatewayFunction<CloseBatchEnv>(scope, "CloseBatch", {
    stage,
    environment: {
      GATEWAY_BUCKET: bucket.bucketName,
      BATCHES_TABLE: batches.tableName,
      PROVIDER_ACCOUNTS: accounts.json,
      PROVIDER_FILES: stage.settings.providerFiles,
      STACK_NAME: stackMark(scope, stage.settings),
    },
    permissions: [
      readObjects(bucket, COLLECTED),
      useTable(batches, "GetItem", "PutItem", "DeleteItem"),
      accounts.permission,
    ],
  });
}
