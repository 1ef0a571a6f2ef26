import { Duration } from "aws-cdk-lib";
import { Alarm, type IAlarmAction, type IMetric, Metric, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { Topic } from "aws-cdk-lib/aws-sns";
import type { StateMachine } from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { TIERS, type Tier } from "../lambdas/domain/vocabulary.ts";
import { folderOf, type FunctionId } from "./function-limits.ts";
import { METRICS_NAMESPACE } from "./gateway-function.ts";
import type { Queues } from "./queues.ts";
import type { StageSettings } from "./stage-settings.ts";

type MonitoringProps = {
  readonly settings: StageSettings;
  readonly queues: Queues;
  readonly machines: readonly StateMachine[];
  /**
   * Functions outside the state machines. The errors of those inside are retried there, and show as failed executions
   * when that did not help.
   */
  readonly functions: readonly IFunction[];
  /** Those of them that run by the clock: one failure is a run that did not happen. */
  readonly scheduled: readonly IFunction[];
  readonly reconcileBatches: IFunction;
};

/** Seconds that the oldest message may wait before somebody should look: admission takes any message within a minute. */
const OLDEST_MESSAGE_SECONDS: Readonly<Record<Tier, number>> = {
  critical: 60,
  high: 120,
  normal: 900,
  low: 900,
};
/** A worker that dies now and then is retried; this many within five minutes are no accident. */
const ERRORS_IN_PERIOD = 5;
const PERIOD = Duration.minutes(5);

type AlarmProps = {
  readonly metric: IMetric;
  /** Alarms above this. */
  readonly above: number;
  readonly says: string;
  /** The section of docs/runbook.md. */
  readonly runbook: string;
};

/** Dead letters are hidden while retry-dead-letters looks through them, every 15 minutes: this period always sees some. */
const DEAD_LETTER_PERIOD = Duration.minutes(15);

const RECONCILIATION_PERIOD = Duration.days(1);
/** The sweeper's own: what it counts stands until it counts again. */
const TELLING_PERIOD = Duration.minutes(15);

/** A count that a function publishes itself. */
function counted(id: FunctionId, metricName: string, period: Duration): Metric {
  return new Metric({
    namespace: METRICS_NAMESPACE,
    metricName,
    dimensionsMap: { service: folderOf(id) },
    period,
    statistic: "sum",
  });
}

/** What functions count that somebody should know of: by the name of the metric, who counts it, and what it means. */
const TELLING_COUNTS = {
  BatchesFailingOften: {
    by: "CloseBatch",
    says: "More than 5 % of a batch's requests failed",
    runbook: "failing-batches",
  },
  BatchesRefused: {
    by: "SubmitBatch",
    says: "A provider refused to take a batch",
    runbook: "failing-batches",
  },
  BatchesStuck: {
    by: "PollBatch",
    says: "A provider's batch hangs and was cancelled",
    runbook: "failing-batches",
  },
  AccountsHeld: {
    by: "SettlePart",
    says: "A provider account is out of credit: nothing is sent to it for half an hour",
    runbook: "held-accounts",
  },
  SegmentsSetAside: {
    by: "PlanWindow",
    says: "Waiting jobs cannot be read by this release",
    runbook: "left-behind",
  },
  SegmentsLeftBehind: {
    by: "SweepLeftovers",
    says: "Waiting jobs have not been taken by any window for an hour",
    runbook: "left-behind",
  },
  BatchesPastDue: {
    by: "SweepLeftovers",
    says: "Requests in open batches are hours past due",
    runbook: "left-behind",
  },
  JobsEscalatedTooLate: {
    by: "EscalateJobs",
    says: "Jobs left late batches when no lane could take them in time any more",
    runbook: "late-batches",
  },
  EscalationFailures: {
    by: "EscalateJobs",
    says: "The jobs of a late batch could not be moved to a faster lane",
    runbook: "late-batches",
  },
  OrphansAdopted: {
    by: "SweepLeftovers",
    says: "A provider runs a batch twice: both are billed",
    runbook: "orphans",
  },
  SweepFailures: {
    by: "SweepLeftovers",
    says: "What was left behind could not be taken up",
    runbook: "left-behind",
  },
} as const satisfies Record<
  string,
  { readonly by: FunctionId; readonly says: string; readonly runbook: string }
>;

/** Alarms, each with the section of the runbook that says what to do. */
export class Monitoring extends Construct {
  readonly #actions: readonly IAlarmAction[];

  constructor(scope: Construct, id: string, props: MonitoringProps) {
    super(scope, id);
    const { settings, queues, machines, functions, scheduled, reconcileBatches } = props;
    const { alarmTopicArn } = settings;
    this.#actions = alarmTopicArn
      ? [new SnsAction(Topic.fromTopicArn(this, "AlarmTopic", alarmTopicArn))]
      : [];
    this.#watchQueues(queues);
    for (const [name, { by, says, runbook }] of Object.entries(TELLING_COUNTS))
      this.#alarm(name, { metric: counted(by, name, TELLING_PERIOD), above: 0, says, runbook });
    this.#watchReconciliation(reconcileBatches);
    for (const machine of machines) {
      const metric = machine.metricFailed({ period: PERIOD });
      this.#alarm(`${machine.node.id}-failed`, {
        metric,
        above: 0,
        says: `An execution of ${machine.node.id} failed`,
        runbook: "failed-executions",
      });
      this.#alarm(`${machine.node.id}-timed-out`, {
        metric: machine.metricTimedOut({ period: PERIOD }),
        above: 0,
        says: `An execution of ${machine.node.id} ran out of time`,
        runbook: "failed-executions",
      });
    }
    for (const watched of functions) {
      this.#alarm(`${watched.node.id}-errors`, {
        metric: watched.metricErrors({ period: PERIOD }),
        above: scheduled.includes(watched) ? 0 : ERRORS_IN_PERIOD,
        says: `${watched.node.id} keeps failing`,
        runbook: "failing-functions",
      });
    }
  }

  #watchQueues(queues: Queues): void {
    for (const [name, { deadLetters }] of Object.entries(queues.all)) {
      this.#alarm(`${name}-dead-letters`, {
        metric: deadLetters.metricApproximateNumberOfMessagesVisible({
          period: DEAD_LETTER_PERIOD,
          statistic: "max",
        }),
        above: 0,
        says: `Messages of ${name} could not be worked on`,
        runbook: "dead-letters",
      });
    }
    for (const tier of TIERS) {
      this.#alarm(`jobs-${tier}-waiting`, {
        metric: queues.jobs[tier].queue.metricApproximateAgeOfOldestMessage({
          period: PERIOD,
          statistic: "max",
        }),
        above: OLDEST_MESSAGE_SECONDS[tier],
        says: `Messages for ${tier} jobs wait too long to be taken`,
        runbook: "waiting-messages",
      });
    }
  }

  /** It runs once a day, so that a single failure is a day without it. */
  #watchReconciliation(reconcileBatches: IFunction): void {
    const watched = {
      "ledger-differences": [
        counted("ReconcileBatches", "LedgerDifferences", RECONCILIATION_PERIOD),
        "The ledger does not agree with the providers' output",
      ],
      "reconciliation-unfinished": [
        counted("ReconcileBatches", "BatchesUnreached", RECONCILIATION_PERIOD),
        "There was no time to compare every batch",
      ],
      "reconciliation-failed": [
        reconcileBatches.metricErrors({ period: RECONCILIATION_PERIOD }),
        "Batches could not be compared with the ledger",
      ],
    } as const;
    for (const [id, [metric, says]] of Object.entries(watched))
      this.#alarm(id, { metric, above: 0, says, runbook: "ledger-differences" });
  }

  #alarm(id: string, { metric, above, says, runbook }: AlarmProps): void {
    const alarm = new Alarm(this, id, {
      metric,
      threshold: above + 1,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      alarmDescription: `${says}. What to do: docs/runbook.md#${runbook}`,
    });
    alarm.addAlarmAction(...this.#actions);
  }
}
