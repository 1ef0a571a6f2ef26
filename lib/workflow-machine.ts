import { type Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import {
  DefinitionBody,
  type IChainable,
  LogLevel,
  QueryLanguage,
  StateMachine,
} from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { grant, startExecutions } from "./permissions.ts";
import type { StageSettings } from "./stage-settings.ts";

type WorkflowMachineProps = {
  readonly settings: StageSettings;
  readonly timeout: Duration;
  /** Makes the states inside the given scope and returns the first. */
  readonly definition: (scope: Construct) => IChainable;
  readonly invokes: readonly IFunction[];
  readonly starts?: readonly StateMachine[];
};

/** A Standard state machine in JSONata, `<stack>-<id>`, whose role may call what it is made of and nothing else. */
export class WorkflowMachine extends StateMachine {
  /** As it is known before deployment. */
  readonly machineName: string;

  constructor(scope: Construct, id: string, props: WorkflowMachineProps) {
    const { settings } = props;
    const role = workflowRole(scope, `${id}Role`, props);
    const machineName = `${settings.stackName}-${id}`;
    super(scope, id, {
      stateMachineName: machineName,
      definitionBody: DefinitionBody.fromChainable(props.definition(new Construct(scope, `${id}States`))),
      queryLanguage: QueryLanguage.JSONATA,
      timeout: props.timeout,
      // CDK's own grants would add every version of each function.
      role: role.withoutPolicyUpdates(),
      logs: {
        destination: new LogGroup(scope, `${id}Logs`, {
          // Log deliveries to names with this prefix do not use up the account's log resource policy.
          logGroupName: `/aws/vendedlogs/states/${settings.stackName}-${id}`,
          retention: settings.logRetentionDays,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
        level: LogLevel.ERROR,
        includeExecutionData: false,
      },
    });
    this.machineName = machineName;
    Validations.of(this).acknowledge(
      {
        id: "AwsSolutions-SF1",
        reason:
          "The execution history, kept 90 days, already holds every event; a second copy would cost more than the states.",
      },
      {
        id: "AwsSolutions-SF2",
        reason: "Tracing is left to OpenTelemetry in the functions: the X-Ray SDK ends in 2027.",
      },
    );
  }
}

const LOG_DELIVERY = [
  "logs:CreateLogDelivery",
  "logs:DeleteLogDelivery",
  "logs:DescribeLogGroups",
  "logs:DescribeResourcePolicies",
  "logs:GetLogDelivery",
  "logs:ListLogDeliveries",
  "logs:PutResourcePolicy",
  "logs:UpdateLogDelivery",
];

function workflowRole(scope: Construct, id: string, { invokes, starts = [] }: WorkflowMachineProps): Role {
  const role = new Role(scope, id, { assumedBy: new ServicePrincipal("states.amazonaws.com") });
  grant(role, [
    { actions: ["lambda:InvokeFunction"], resources: invokes.map((invoked) => invoked.functionArn) },
    {
      actions: LOG_DELIVERY,
      resources: ["*"],
      patternReason: "Log deliveries have no resource-level permissions.",
    },
  ]);
  if (starts.length > 0) {
    grant(role, [startExecutions(...starts)]);
  }
  return role;
}
