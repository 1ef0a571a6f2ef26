import type { Construct } from "constructs";
import type { Env as CloseWindowEnv } from "../lambdas/close-window/env.ts";
import { openSegmentKey, PREFIXES, segmentIndexKey, segmentKey } from "../lambdas/domain/object-keys.ts";
import type { Env as FreezeWindowEnv } from "../lambdas/freeze-window/env.ts";
import type { Env as PlanWindowEnv } from "../lambdas/plan-window/env.ts";
import { ANY_SEGMENT } from "./any-key.ts";
import { GatewayFunction } from "./gateway-function.ts";
import {
  deleteObjects,
  listObjects,
  readObjects,
  sendTo,
  tellMissingObjects,
  useTable,
  writeObjects,
} from "./permissions.ts";
import type { StageParts } from "./stage-parts.ts";

/** The steps of AssembleWindow. */
export type WindowFunctions = {
  readonly freezeWindow: GatewayFunction<FreezeWindowEnv>;
  readonly planWindow: GatewayFunction<PlanWindowEnv>;
  readonly closeWindow: GatewayFunction<CloseWindowEnv>;
};

export function windowFunctions(scope: Construct, parts: StageParts): WindowFunctions {
  return {
    freezeWindow: freezeWindow(scope, parts),
    planWindow: planWindow(scope, parts),
    closeWindow: closeWindow(scope, parts),
  };
}

const WINDOWS = `${PREFIXES.windows}*`;
const OPEN = openSegmentKey(ANY_SEGMENT);
const LINES = segmentKey(ANY_SEGMENT);
const INDEX = segmentIndexKey(ANY_SEGMENT);

function freezeWindow(scope: Construct, { stage, storage, queues }: StageParts) {
  const { bucket, batches, jobMap } = storage;
  return new GatewayFunction<FreezeWindowEnv>(scope, "FreezeWindow", {
    stage,
    environment: {
      GATEWAY_BUCKET: bucket.bucketName,
      BATCHES_TABLE: batches.tableName,
      JOB_MAP_TABLE: jobMap.tableName,
      RUNS_QUEUE_URL: queues.runs.queue.queueUrl,
    },
    permissions: [
      listObjects(bucket, PREFIXES.openSegments),
      readObjects(bucket, INDEX),
      // A segment without its index is one to finish.
      tellMissingObjects(bucket),
      writeObjects(bucket, WINDOWS),
      deleteObjects(bucket, OPEN),
      useTable(batches, "GetItem", "BatchGetItem", "PutItem"),
      // Finishing a segment whose writer died: claim its lines again, then write the index.
      readObjects(bucket, LINES),
      writeObjects(bucket, INDEX),
      useTable(jobMap, "GetItem", "PutItem"),
      sendTo(queues.runs.queue),
    ],
  });
}

function planWindow(scope: Construct, { stage, storage, queues }: StageParts) {
  const { bucket, batches, jobMap, tenants } = storage;
  const { settings } = stage;
  return new GatewayFunction<PlanWindowEnv>(scope, "PlanWindow", {
    stage,
    environment: {
      GATEWAY_BUCKET: bucket.bucketName,
      BATCHES_TABLE: batches.tableName,
      JOB_MAP_TABLE: jobMap.tableName,
      RUNS_QUEUE_URL: queues.runs.queue.queueUrl,
      TENANTS_TABLE: tenants.tableName,
      BATCH_CAPS: JSON.stringify(settings.batchCaps),
      MIN_BATCH_JOBS: String(settings.minBatchJobs),
      BATCH_LEAD_SECONDS: String(settings.batchLeadSeconds),
      MAX_WINDOW_JOBS: String(settings.maxWindowJobs),
      ESCALATION: JSON.stringify(settings.escalation),
      LANES: JSON.stringify({ ...settings.lanes, windowMinutes: settings.windowMinutes }),
      HEADROOM: JSON.stringify(settings.headroom),
    },
    permissions: [
      readObjects(bucket, WINDOWS, INDEX),
      writeObjects(bucket, WINDOWS, INDEX, OPEN),
      // Registering a batch again after it was closed takes its row from the open ones. What accounts have in their queues,
      // and how long that takes, is read from their partitions.
      useTable(batches, "GetItem", "PutItem", "DeleteItem", "Query"),
      // What was cancelled or has ended meanwhile is left out, what waited for too long is ended, and some run in a direct lane.
      useTable(jobMap, "BatchGetItem"),
      sendTo(queues.runs.queue),
      useTable(tenants, "GetItem"),
    ],
  });
}

function closeWindow(scope: Construct, { stage, storage }: StageParts) {
  const { bucket, batches } = storage;
  return new GatewayFunction<CloseWindowEnv>(scope, "CloseWindow", {
    stage,
    environment: { GATEWAY_BUCKET: bucket.bucketName, BATCHES_TABLE: batches.tableName },
    permissions: [
      readObjects(bucket, WINDOWS),
      deleteObjects(bucket, OPEN),
      useTable(batches, "GetItem", "PutItem", "BatchWriteItem"),
    ],
  });
}
