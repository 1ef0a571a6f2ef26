import { Duration } from "aws-cdk-lib";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import { Construct } from "constructs";
import type { Env } from "../lambdas/admit-jobs/env.ts";
import { PREFIXES, segmentKey } from "../lambdas/domain/object-keys.ts";
import { ANY_SEGMENT } from "./any-key.ts";
import { deadLetterQueuesOf, deadLetterUrls } from "./dead-letters.ts";
import { GatewayFunction } from "./gateway-function.ts";
import { readObjects, sendTo, tellMissingObjects, useLimits, useTable, writeObjects } from "./permissions.ts";
import { writeSegments } from "./segment-permissions.ts";
import type { StageParts } from "./stage-parts.ts";

/** Jobs that can wait: messages of the tiers normal and low become segments, and claims in the job map. */
export class Intake extends Construct {
  readonly admitJobs: GatewayFunction<Env>;

  constructor(scope: Construct, id: string, { stage, storage, queues }: StageParts) {
    super(scope, id);
    const { settings } = stage;
    const { bucket, jobMap, tenants } = storage;
    this.admitJobs = new GatewayFunction<Env>(this, "AdmitJobs", {
      stage,
      environment: {
        GATEWAY_BUCKET: bucket.bucketName,
        JOB_MAP_TABLE: jobMap.tableName,
        TENANTS_TABLE: tenants.tableName,
        DELIVERIES_QUEUE_URL: queues.deliveries.queue.queueUrl,
        RUNS_QUEUE_URL: queues.runs.queue.queueUrl,
        DEAD_LETTER_QUEUE_URLS: deadLetterUrls(this, queues),
        TIER_DUE_SECONDS: JSON.stringify(settings.tierDueSeconds),
        MAX_REQUEST_BYTES: String(settings.maxRequestBytes),
      },
      permissions: [
        // Of a job that is cancelled, what was admitted says what its result is tagged with.
        readObjects(bucket, `${PREFIXES.uploads}*`, segmentKey(ANY_SEGMENT)),
        // A message may name an upload that is not there.
        tellMissingObjects(bucket),
        ...writeSegments(bucket),
        writeObjects(bucket, `${PREFIXES.deadLetters}*`, `${PREFIXES.results}*`),
        useTable(jobMap, "GetItem", "BatchGetItem", "PutItem", "UpdateItem"),
        useTable(tenants, "GetItem"),
        useLimits(tenants, "PutItem"),
        sendTo(queues.deliveries.queue, queues.runs.queue, ...deadLetterQueuesOf(queues)),
      ],
    });
    for (const { queue } of [queues.jobs.normal, queues.jobs.low]) {
      this.admitJobs.addEventSource(
        new SqsEventSource(queue, {
          batchSize: settings.admission.batchSize,
          maxBatchingWindow: Duration.seconds(settings.admission.batchingWindowSeconds),
          maxConcurrency: settings.admission.maxConcurrency,
          reportBatchItemFailures: true,
        }),
      );
    }
  }
}
