import { Construct } from "constructs";
import {
  batchManifestKey,
  openSegmentKey,
  PREFIXES,
  segmentIndexKey,
  segmentKey,
} from "../lambdas/domain/object-keys.ts";
import type { Env } from "../lambdas/sweep-leftovers/env.ts";
import { ANY_BATCH, ANY_SEGMENT } from "./any-key.ts";
import { GatewayFunction } from "./gateway-function.ts";
import {
  deleteObjects,
  describeExecutions,
  listObjects,
  readObjects,
  sendTo,
  startExecutions,
  tellMissingObjects,
  useLimits,
  useTable,
  writeObjects,
} from "./permissions.ts";
import { stackMark } from "./stack-mark.ts";
import type { StageParts } from "./stage-parts.ts";
import type { WorkflowMachine } from "./workflow-machine.ts";

/** Takes up what others have dropped: segments, batches, and provider batches that nobody knows of. */
export class Sweeping extends Construct {
  readonly sweepLeftovers: GatewayFunction<Env>;

  constructor(scope: Construct, id: string, parts: StageParts, runBatch: WorkflowMachine) {
    super(scope, id);
    const { stage, storage, queues, accounts } = parts;
    const { bucket, batches, jobMap, tenants } = storage;
    this.sweepLeftovers = new GatewayFunction<Env>(this, "SweepLeftovers", {
      stage,
      environment: {
        GATEWAY_BUCKET: bucket.bucketName,
        JOB_MAP_TABLE: jobMap.tableName,
        BATCHES_TABLE: batches.tableName,
        TENANTS_TABLE: tenants.tableName,
        RUNS_QUEUE_URL: queues.runs.queue.queueUrl,
        RUN_BATCH_ARN: runBatch.stateMachineArn,
        PROVIDER_ACCOUNTS: accounts.json,
        STACK_NAME: stackMark(this, stage.settings),
      },
      permissions: [
        // Segments whose writer died: claim their lines again, then write the index.
        listObjects(bucket, PREFIXES.openSegments),
        readObjects(
          bucket,
          segmentKey(ANY_SEGMENT),
          segmentIndexKey(ANY_SEGMENT),
          openSegmentKey(ANY_SEGMENT),
          batchManifestKey(ANY_BATCH),
        ),
        tellMissingObjects(bucket),
        writeObjects(bucket, segmentIndexKey(ANY_SEGMENT)),
        deleteObjects(bucket, openSegmentKey(ANY_SEGMENT)),
        useTable(jobMap, "GetItem", "BatchGetItem", "PutItem"),
        // What is reserved in budgets for jobs that have ended.
        useLimits(tenants, "GetItem", "Query", "PutItem"),
        sendTo(queues.runs.queue),
        // Batches without an execution, and provider batches without a batch.
        useTable(batches, "GetItem", "Query", "PutItem", "DeleteItem"),
        startExecutions(runBatch),
        describeExecutions(this, runBatch.machineName),
        accounts.permission,
      ],
    });
  }
}
