import { Duration } from "aws-cdk-lib";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import {
  ContextAttribute,
  Schedule,
  ScheduleExpression,
  ScheduleTargetInput,
} from "aws-cdk-lib/aws-scheduler";
import { LambdaInvoke, StepFunctionsStartExecution } from "aws-cdk-lib/aws-scheduler-targets";
import type { StateMachine } from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { grant } from "./permissions.ts";
import type { StageSettings } from "./stage-settings.ts";

type SchedulesProps = {
  readonly settings: StageSettings;
  readonly assembleWindow: StateMachine;
  readonly retryDeadLetters: IFunction;
  readonly sweepLeftovers: IFunction;
  readonly escalateJobs: IFunction;
  readonly reconcileBatches: IFunction;
};

const RETRY_PERIOD = Duration.minutes(15);
const SWEEP_PERIOD = Duration.minutes(15);
const ESCALATION_PERIOD = Duration.minutes(1);
const RECONCILIATION_PERIOD = Duration.days(1);
/** A reconciliation that could not be started for so long is left to the next one, which looks at the same days again. */
const RECONCILIATION_AGE = Duration.hours(6);

/** What runs by the clock: the windows, the dead letters' next chance, the sweeper, the look at late batches, and the reconciliation. */
export class Schedules extends Construct {
  constructor(scope: Construct, id: string, props: SchedulesProps) {
    const { settings, assembleWindow, retryDeadLetters, sweepLeftovers, escalateJobs, reconcileBatches } =
      props;
    super(scope, id);
    const window = Duration.minutes(settings.windowMinutes);
    const scheduler = new Role(this, "Role", { assumedBy: new ServicePrincipal("scheduler.amazonaws.com") });
    grant(scheduler, [
      { actions: ["states:StartExecution"], resources: [assembleWindow.stateMachineArn] },
      {
        actions: ["lambda:InvokeFunction"],
        resources: [retryDeadLetters, sweepLeftovers, escalateJobs, reconcileBatches].map(
          (each) => each.functionArn,
        ),
      },
    ]);
    // The targets' own grants would add every version of the function.
    const role = scheduler.withoutPolicyUpdates();
    new Schedule(this, "EveryWindow", {
      description: "Puts waiting jobs into batches",
      schedule: ScheduleExpression.rate(window),
      target: new StepFunctionsStartExecution(assembleWindow, {
        input: ScheduleTargetInput.fromObject({ scheduledTime: ContextAttribute.scheduledTime }),
        role,
        // The next window takes whatever this one would have.
        maxEventAge: window,
      }),
    });
    new Schedule(this, "EveryRetry", {
      description: "Sends dead-lettered jobs through the runs queue",
      schedule: ScheduleExpression.rate(RETRY_PERIOD),
      target: new LambdaInvoke(retryDeadLetters, { role, maxEventAge: RETRY_PERIOD }),
    });
    new Schedule(this, "EverySweep", {
      description: "Takes up segments and batches that were left behind",
      schedule: ScheduleExpression.rate(SWEEP_PERIOD),
      target: new LambdaInvoke(sweepLeftovers, { role, maxEventAge: SWEEP_PERIOD }),
    });
    new Schedule(this, "EveryEscalation", {
      description: "Has the jobs of late batches run by a faster lane",
      schedule: ScheduleExpression.rate(ESCALATION_PERIOD),
      target: new LambdaInvoke(escalateJobs, { role, maxEventAge: ESCALATION_PERIOD }),
    });
    new Schedule(this, "EveryReconciliation", {
      description: "Compares settled batches with the ledger and the job map",
      schedule: ScheduleExpression.rate(RECONCILIATION_PERIOD),
      target: new LambdaInvoke(reconcileBatches, { role, maxEventAge: RECONCILIATION_AGE }),
    });
  }
}
