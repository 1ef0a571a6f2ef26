import { CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { BatchWorkflow } from "./batch-workflow.ts";
import { DirectLane } from "./direct-lane.ts";
import { Escalation } from "./escalation.ts";
import { FunctionCode } from "./function-code.ts";
import { Intake } from "./intake.ts";
import { Monitoring } from "./monitoring.ts";
import { ProviderAccounts } from "./provider-accounts.ts";
import { Queues } from "./queues.ts";
import { Reconciliation } from "./reconciliation.ts";
import { ResultDelivery } from "./result-delivery.ts";
import { Schedules } from "./schedules.ts";
import type { StageSettings } from "./stage-settings.ts";
import { Sweeping } from "./sweeping.ts";
import { Storage } from "./storage.ts";
import { Workloads } from "./workloads/workloads.ts";

type OffpeakStackProps = StackProps & { readonly settings: StageSettings };

/** One stage of the gateway. */
export class OffpeakStack extends Stack {
  constructor(scope: Construct, id: string, { settings, ...props }: OffpeakStackProps) {
    super(scope, id, { description: "Offpeak: a multi-tenant LLM batch gateway", ...props });
    const stage = { settings, code: new FunctionCode() };
    const storage = new Storage(this, "Storage", settings);
    const queues = new Queues(this, "Queues", settings);
    const accounts = new ProviderAccounts(this, "ProviderAccounts", settings);

    const parts = { stage, storage, queues, accounts };

    const { admitJobs } = new Intake(this, "Intake", parts);
    const { runJob, runFlex, retryDeadLetters } = new DirectLane(this, "DirectLane", parts);
    const { assembleWindow, runBatch } = new BatchWorkflow(this, "BatchWorkflow", parts);
    const { deliverResults } = new ResultDelivery(this, "ResultDelivery", parts);
    const { escalateJobs } = new Escalation(this, "Escalation", parts);
    const workloads = new Workloads(this, "Workloads", parts);
    const { sweepLeftovers } = new Sweeping(this, "Sweeping", parts, runBatch);
    const { reconcileBatches } = new Reconciliation(this, "Reconciliation", parts);

    new Schedules(this, "Schedules", {
      settings,
      assembleWindow,
      retryDeadLetters,
      sweepLeftovers,
      escalateJobs,
      reconcileBatches,
    });
    new Monitoring(this, "Monitoring", {
      settings,
      queues,
      machines: [assembleWindow, runBatch, ...workloads.machines],
      functions: [
        admitJobs,
        runJob,
        runFlex,
        retryDeadLetters,
        deliverResults,
        sweepLeftovers,
        escalateJobs,
        ...workloads.functions,
      ],
      scheduled: [retryDeadLetters, sweepLeftovers, escalateJobs],
      reconcileBatches,
    });
    this.#output(storage, queues);
  }

  /** What tenants' apps and the operator's tool are told; these names are part of the interface. */
  #output(storage: Storage, queues: Queues): void {
    const deadLetterUrls = Object.values(queues.all).map(({ deadLetters }) => deadLetters.queueUrl);
    const outputs = {
      JobsCriticalQueueUrl: queues.jobs.critical.queue.queueUrl,
      JobsHighQueueUrl: queues.jobs.high.queue.queueUrl,
      JobsNormalQueueUrl: queues.jobs.normal.queue.queueUrl,
      JobsLowQueueUrl: queues.jobs.low.queue.queueUrl,
      RunsQueueUrl: queues.runs.queue.queueUrl,
      DeliveriesQueueUrl: queues.deliveries.queue.queueUrl,
      DeadLetterQueueUrls: deadLetterUrls.join(","),
      JobMapTableName: storage.jobMap.tableName,
      TenantLedgerTableName: storage.tenantLedger.tableName,
      TenantsTableName: storage.tenants.tableName,
      BatchesTableName: storage.batches.tableName,
      GatewayBucketName: storage.bucket.bucketName,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
