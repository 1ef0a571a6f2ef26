import { Duration } from "aws-cdk-lib";
import { Alarm, type IAlarmAction, type IMetric, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { Topic } from "aws-cdk-lib/aws-sns";
import type { StateMachine } from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { TIERS, type Tier } from "../lambdas/domain/vocabulary.ts";
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

/** Alarms, each with the section of the runbook that says what to do. */
export class Monitoring extends Construct {
  readonly #actions: readonly IAlarmAction[];

  constructor(scope: Construct, id: string, { settings, queues, machines, functions }: MonitoringProps) {
    super(scope, id);
    const { alarmTopicArn } = settings;
    this.#actions = alarmTopicArn
      ? [new SnsAction(Topic.fromTopicArn(this, "AlarmTopic", alarmTopicArn))]
      : [];
    this.#watchQueues(queues);
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
        above: ERRORS_IN_PERIOD,
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
