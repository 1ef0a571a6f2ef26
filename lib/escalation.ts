import { Construct } from "constructs";
import { PREFIXES } from "../lambdas/domain/object-keys.ts";
import type { Env } from "../lambdas/escalate-jobs/env.ts";
import { ANY_BATCH } from "./any-key.ts";
import { GatewayFunction } from "./gateway-function.ts";
import { deleteObjects, listObjects, readObjects, sendTo, useTable, writeObjects } from "./permissions.ts";
import type { StageParts } from "./stage-parts.ts";

const MARKER = `${PREFIXES.escalations}${ANY_BATCH}/*`;

/** Has the jobs of late batches run by a faster lane, in time for when they are due. */
export class Escalation extends Construct {
  readonly escalateJobs: GatewayFunction<Env>;

  constructor(scope: Construct, id: string, { stage, storage, queues }: StageParts) {
    super(scope, id);
    const { bucket, batches, jobMap } = storage;
    this.escalateJobs = new GatewayFunction<Env>(this, "EscalateJobs", {
      stage,
      environment: {
        GATEWAY_BUCKET: bucket.bucketName,
        JOB_MAP_TABLE: jobMap.tableName,
        BATCHES_TABLE: batches.tableName,
        RUNS_QUEUE_URL: queues.runs.queue.queueUrl,
        ESCALATION: JSON.stringify(stage.settings.escalation),
      },
      permissions: [
        // The lines of a batch, as it was planned.
        readObjects(bucket, `${PREFIXES.windows}*`),
        // Which batches jobs are leaving: what was begun is finished.
        listObjects(bucket, PREFIXES.escalations),
        writeObjects(bucket, MARKER),
        deleteObjects(bucket, MARKER),
        useTable(batches, "GetItem", "Query", "PutItem"),
        useTable(jobMap, "GetItem", "BatchGetItem", "PutItem"),
        sendTo(queues.runs.queue),
      ],
    });
  }
}
