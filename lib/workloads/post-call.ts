import { CfnOutput, Duration, Stack } from "aws-cdk-lib";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import { Construct } from "constructs";
import { PREFIXES } from "../../lambdas/domain/object-keys.ts";
import type { Env as TakeAnalysesEnv } from "../../lambdas/take-analyses/env.ts";
import type { Env as TakeTranscriptsEnv } from "../../lambdas/take-transcripts/env.ts";
import { GatewayFunction } from "../gateway-function.ts";
import { readObjects, sendTo, tellMissingObjects, useTable, writeObjects } from "../permissions.ts";
import type { QueuePair } from "../queues.ts";
import { sendToTenants } from "../tenant-queue-permissions.ts";
import { outputSenderIds } from "./sender-ids.ts";
import type { WorkloadParts } from "./workload-parts.ts";
import { jobQueueUrls } from "./workload-queues.ts";

/** What the workload keeps: transcripts that were sent and not dropped, and analyses. */
const KEPT = `${PREFIXES.workloads}post-call/`;

/** One worker takes one object, which may hold thousands of calls: a bad one holds up no other. */
const INPUTS_AT_ONCE = 1;
const RESULTS_AT_ONCE = 10;
/** Of each function: a flood of calls must not use up the account's workers, which urgent jobs need too. */
const MOST_WORKERS = 5;

/**
 * Post-call analytics: a transcript in a tenant's inbox, or on the transcripts queue, becomes a job of the tenant; its
 * result is checked on the workload's queue and goes on to the tenant as a summary, a sentiment and a lead score.
 */
export class PostCall extends Construct {
  readonly functions: readonly IFunction[];

  constructor(scope: Construct, id: string, parts: WorkloadParts) {
    super(scope, id);
    const { stage, storage, queues, objectEvents } = parts;
    const { transcripts, workloads } = queues;
    if (transcripts === undefined || workloads.postCall === undefined)
      throw new Error("the stage has no queues for post-call analytics");
    objectEvents.tell(transcripts.queue, PREFIXES.inbox, ["ObjectCreated:*"]);
    storage.bucket.addLifecycleRule({
      id: "post-call",
      prefix: KEPT,
      expiration: Duration.days(stage.settings.retention.resultsDays),
    });
    const takeTranscripts = this.#takeTranscripts(parts);
    const takeAnalyses = this.#takeAnalyses(parts, workloads.postCall);
    const common = { reportBatchItemFailures: true, maxConcurrency: MOST_WORKERS };
    takeTranscripts.addEventSource(
      new SqsEventSource(transcripts.queue, { batchSize: INPUTS_AT_ONCE, ...common }),
    );
    takeAnalyses.addEventSource(
      new SqsEventSource(workloads.postCall.queue, { batchSize: RESULTS_AT_ONCE, ...common }),
    );
    this.functions = [takeTranscripts, takeAnalyses];
    new CfnOutput(Stack.of(this), "TranscriptsQueueUrl", { value: transcripts.queue.queueUrl });
    outputSenderIds(this, "PostCallSenderIds", this.functions);
  }

  #takeTranscripts({ stage, storage, queues }: WorkloadParts): GatewayFunction<TakeTranscriptsEnv> {
    const { bucket, tenants } = storage;
    return new GatewayFunction<TakeTranscriptsEnv>(this, "TakeTranscripts", {
      stage,
      environment: {
        GATEWAY_BUCKET: bucket.bucketName,
        TENANTS_TABLE: tenants.tableName,
        JOB_QUEUE_URLS: jobQueueUrls(this, queues),
      },
      permissions: [
        readObjects(bucket, `${PREFIXES.inbox}*`),
        // An object may be gone before its event comes.
        tellMissingObjects(bucket),
        writeObjects(bucket, `${KEPT}*`),
        useTable(tenants, "GetItem"),
        sendTo(queues.jobs.normal.queue),
        // What was refused, and why.
        ...sendToTenants(this, stage),
      ],
    });
  }

  #takeAnalyses(
    { stage, storage, queues }: WorkloadParts,
    results: QueuePair,
  ): GatewayFunction<TakeAnalysesEnv> {
    const { bucket, tenants } = storage;
    return new GatewayFunction<TakeAnalysesEnv>(this, "TakeAnalyses", {
      stage,
      environment: {
        GATEWAY_BUCKET: bucket.bucketName,
        TENANTS_TABLE: tenants.tableName,
        JOB_QUEUE_URLS: jobQueueUrls(this, queues),
        ANALYSES_DEAD_LETTERS_URL: results.deadLetters.queueUrl,
      },
      permissions: [
        // The transcript once more, for the second try.
        readObjects(bucket, `${PREFIXES.inbox}*`, `${KEPT}*`),
        tellMissingObjects(bucket),
        writeObjects(bucket, `${KEPT}*`),
        useTable(tenants, "GetItem"),
        sendTo(queues.jobs.high.queue, results.deadLetters),
        ...sendToTenants(this, stage),
      ],
    });
  }
}
