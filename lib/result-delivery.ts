import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import { Construct } from "constructs";
import type { Env } from "../lambdas/deliver-results/env.ts";
import { PREFIXES } from "../lambdas/domain/object-keys.ts";
import { GatewayFunction } from "./gateway-function.ts";
import { readObjects, useTable } from "./permissions.ts";
import type { StageParts } from "./stage-parts.ts";
import { sendToWorkloads, workloadUrls } from "./workloads/workload-queues.ts";
import { sendToTenants } from "./tenant-queue-permissions.ts";

/** Results on their way out: from the deliveries queue to each tenant's own. */
export class ResultDelivery extends Construct {
  readonly deliverResults: GatewayFunction<Env>;

  constructor(scope: Construct, id: string, { stage, storage, queues }: StageParts) {
    super(scope, id);
    this.deliverResults = new GatewayFunction<Env>(this, "DeliverResults", {
      stage,
      environment: {
        GATEWAY_BUCKET: storage.bucket.bucketName,
        TENANTS_TABLE: storage.tenants.tableName,
        WORKLOAD_QUEUES: workloadUrls(this, queues),
      },
      permissions: [
        readObjects(storage.bucket, `${PREFIXES.results}*`),
        useTable(storage.tenants, "GetItem"),
        ...sendToTenants(this, stage),
        ...sendToWorkloads(queues),
      ],
    });
    this.deliverResults.addEventSource(
      new SqsEventSource(queues.deliveries.queue, { batchSize: 10, reportBatchItemFailures: true }),
    );
  }
}
