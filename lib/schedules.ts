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
};

const RETRY_PERIOD = Duration.minutes(15);

/** What runs by the clock: the windows, and the dead letters' next chance. */
export class Schedules extends Construct {
  constructor(scope: Construct, id: string, { settings, assembleWindow, retryDeadLetters }: SchedulesProps) {
    super(scope, id);
    const window = Duration.minutes(settings.windowMinutes);
    const scheduler = new Role(this, "Role", { assumedBy: new ServicePrincipal("scheduler.amazonaws.com") });
    grant(scheduler, [
      { actions: ["states:StartExecution"], resources: [assembleWindow.stateMachineArn] },
      { actions: ["lambda:InvokeFunction"], resources: [retryDeadLetters.functionArn] },
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
  }
}
