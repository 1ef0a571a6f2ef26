import { CfnOutput, Duration, Stack } from "aws-cdk-lib";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import { Schedule, ScheduleExpression, ScheduleTargetInput } from "aws-cdk-lib/aws-scheduler";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { StateMachine } from "aws-cdk-lib/aws-stepfunctions";
import { StepFunctionsStartExecution } from "aws-cdk-lib/aws-scheduler-targets";
import { Construct } from "constructs";
import type { Env as CheckLeadsEnv } from "../../lambdas/check-leads/env.ts";
import { leadDayPrefix, leadsPrefix, PREFIXES } from "../../lambdas/domain/object-keys.ts";
import { TIERS } from "../../lambdas/domain/vocabulary.ts";
import type { Env as DraftLeadsEnv } from "../../lambdas/draft-leads/env.ts";
import type { Env as FindLeadRunsEnv } from "../../lambdas/find-lead-runs/env.ts";
import type { Env as RenderDraftsEnv } from "../../lambdas/render-drafts/env.ts";
import type { Env as ScoreLeadsEnv } from "../../lambdas/score-leads/env.ts";
import type { Env as TakeLeadAnswersEnv } from "../../lambdas/take-lead-answers/env.ts";
import { GatewayFunction } from "../gateway-function.ts";
import {
  findTenantsWith,
  grant,
  listObjects,
  readObjects,
  sendTo,
  tellMissingObjects,
  useTable,
  writeObjects,
} from "../permissions.ts";
import { WorkflowMachine } from "../workflow-machine.ts";
import { type LeadFunctions, scoreLeadsMachine } from "./score-leads-machine.ts";
import { outputSenderIds } from "./sender-ids.ts";
import type { WorkloadParts } from "./workload-parts.ts";

/** How often it is looked whose hour has come: the most that a run begins late. */
const SCHEDULE_PERIOD = Duration.minutes(15);
/** Longer than the longest that a tenant may have a run wait for its scores and its drafts. */
const LONGEST_RUN = Duration.hours(54);

/** The objects of any tenant's any day. */
const ANY_LEADS = leadsPrefix("*", "*");
const ANY_LEAD_DAY = leadDayPrefix("*", "*");

/** Each tenant's leads of yesterday, scored by its own clocks, and drafts of e-mails to the best of them. */
export class LeadScoring extends Construct {
  readonly machines: readonly StateMachine[];
  readonly functions: readonly IFunction[];

  constructor(scope: Construct, id: string, parts: WorkloadParts) {
    super(scope, id);
    const functions = this.#functions(parts);
    this.functions = [this.#takeLeadAnswers(parts)];
    const { settings } = parts.stage;
    const machine = new WorkflowMachine(this, "LeadScoring", {
      settings,
      timeout: LONGEST_RUN,
      definition: (states) => scoreLeadsMachine(states, functions),
      invokes: Object.values(functions),
    });
    this.machines = [machine];
    outputSenderIds(this, "LeadScoringSenderIds", [functions.scoreLeads, functions.draftLeads]);
    // The operator's tool starts runs by it.
    new CfnOutput(Stack.of(this), "LeadScoringArn", { value: machine.stateMachineArn });
    const scheduler = new Role(this, "SchedulerRole", {
      assumedBy: new ServicePrincipal("scheduler.amazonaws.com"),
    });
    grant(scheduler, [{ actions: ["states:StartExecution"], resources: [machine.stateMachineArn] }]);
    new Schedule(this, "EveryQuarter", {
      description: "Scores the leads of tenants whose hour has come",
      schedule: ScheduleExpression.rate(SCHEDULE_PERIOD),
      target: new StepFunctionsStartExecution(machine, {
        input: ScheduleTargetInput.fromObject({}),
        role: scheduler.withoutPolicyUpdates(),
        // The next one finds whatever this one would have.
        maxEventAge: SCHEDULE_PERIOD,
      }),
    });
  }

  #functions({ stage, storage, queues, workloadStorage }: WorkloadParts): LeadFunctions {
    const { bucket, tenants } = storage;
    const { table } = workloadStorage;
    const TABLES = { TENANTS_TABLE: tenants.tableName, WORKLOADS_TABLE: table.tableName };
    const GATEWAY_BUCKET = bucket.bucketName;
    const jobQueues = TIERS.map((tier) => [tier, queues.jobs[tier].queue.queueUrl]);
    const JOB_QUEUE_URLS = Stack.of(this).toJsonString(Object.fromEntries(jobQueues));
    const tables = [useTable(tenants, "GetItem"), useTable(table, "GetItem", "Query", "PutItem")];
    return {
      findLeadRuns: new GatewayFunction<FindLeadRunsEnv>(this, "FindLeadRuns", {
        stage,
        environment: TABLES,
        permissions: [
          useTable(tenants, "GetItem"),
          findTenantsWith(tenants, "leadScoring"),
          useTable(table, "GetItem", "PutItem"),
        ],
      }),
      scoreLeads: new GatewayFunction<ScoreLeadsEnv>(this, "ScoreLeads", {
        stage,
        environment: { GATEWAY_BUCKET, ...TABLES, JOB_QUEUE_URLS },
        permissions: [
          ...tables,
          listObjects(bucket, ANY_LEADS),
          readObjects(bucket, `${ANY_LEADS}*`, `${ANY_LEAD_DAY}leads-*`),
          // A tenant may take away what was just listed.
          tellMissingObjects(bucket),
          writeObjects(bucket, `${ANY_LEAD_DAY}leads-*`),
          sendTo(queues.jobs.low.queue),
        ],
      }),
      checkLeads: new GatewayFunction<CheckLeadsEnv>(this, "CheckLeads", {
        stage,
        environment: TABLES,
        permissions: tables,
      }),
      draftLeads: new GatewayFunction<DraftLeadsEnv>(this, "DraftLeads", {
        stage,
        environment: { GATEWAY_BUCKET, ...TABLES, JOB_QUEUE_URLS },
        permissions: [
          ...tables,
          readObjects(bucket, `${ANY_LEAD_DAY}leads-*`),
          sendTo(queues.jobs.low.queue),
        ],
      }),
      renderDrafts: new GatewayFunction<RenderDraftsEnv>(this, "RenderDrafts", {
        stage,
        environment: { GATEWAY_BUCKET, ...TABLES },
        permissions: [...tables, writeObjects(bucket, `${ANY_LEAD_DAY}emails/*`)],
      }),
    };
  }

  #takeLeadAnswers({ stage, storage, queues, workloadStorage }: WorkloadParts): IFunction {
    const results = queues.workloads.leadScoring;
    if (results === undefined) throw new Error("the stage has no queue for the results of lead scoring");
    const takeLeadAnswers = new GatewayFunction<TakeLeadAnswersEnv>(this, "TakeLeadAnswers", {
      stage,
      environment: {
        GATEWAY_BUCKET: storage.bucket.bucketName,
        WORKLOADS_TABLE: workloadStorage.table.tableName,
      },
      permissions: [
        readObjects(storage.bucket, `${PREFIXES.results}*`),
        useTable(workloadStorage.table, "GetItem", "PutItem"),
      ],
    });
    takeLeadAnswers.addEventSource(
      new SqsEventSource(results.queue, { batchSize: 10, reportBatchItemFailures: true }),
    );
    return takeLeadAnswers;
  }
}
