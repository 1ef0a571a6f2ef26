import { RemovalPolicy } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import type { FunctionCode } from "./function-code.ts";
import { folderOf, type FunctionId, limitsOf } from "./function-limits.ts";
import { grant, type Permission } from "./permissions.ts";
import type { StageSettings } from "./stage-settings.ts";

/** Under which functions publish their counts, each as a `service` of its own. */
export const METRICS_NAMESPACE = "Offpeak";

/** What every function of a stage is made with. */
export type FunctionStage = { readonly settings: StageSettings; readonly code: FunctionCode };

type GatewayFunctionProps<Env> = {
  readonly stage: FunctionStage;
  /** Exactly the variables that the function's env.ts names. */
  readonly environment: { readonly [Name in keyof Env]: string };
  /** Beyond writing its own log. */
  readonly permissions: readonly Permission[];
};

/**
 * One function of ours: the bundle of lambdas/<folder>/handler.ts, with its own log group, and a role that may write to
 * it and do what `permissions` say. `Env` is the type from the folder's env.ts.
 */
export class GatewayFunction<Env> extends LambdaFunction {
  constructor(scope: Construct, id: FunctionId, props: GatewayFunctionProps<Env>) {
    const { settings, code } = props.stage;
    const folder = folderOf(id);
    const limits = limitsOf(id);
    const logGroup = new LogGroup(scope, `${id}Logs`, {
      logGroupName: `/offpeak/${settings.stackName}/${folder}`,
      retention: settings.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    role.addToPolicy(
      new PolicyStatement({
        actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
        resources: [logGroup.logGroupArn],
      }),
    );
    grant(role, props.permissions);
    super(scope, id, {
      description: `Offpeak ${folder}`,
      code: code.of(id),
      handler: "index.handler",
      runtime: Runtime.NODEJS_24_X,
      architecture: settings.architecture === "arm64" ? Architecture.ARM_64 : Architecture.X86_64,
      memorySize: limits.memoryMiB,
      timeout: limits.timeout,
      role,
      logGroup,
      environment: {
        ...props.environment,
        LOG_LEVEL: "INFO",
        NODE_OPTIONS: "--enable-source-maps",
        POWERTOOLS_METRICS_NAMESPACE: METRICS_NAMESPACE,
        POWERTOOLS_SERVICE_NAME: folder,
      },
    });
  }
}
