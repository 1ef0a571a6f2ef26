import { CfnOutput, Stack } from "aws-cdk-lib";
import { Role } from "aws-cdk-lib/aws-iam";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";

/** Says under which ids a workload sends its jobs, for tenants that name their senders: the output `name`, with commas. */
export function outputSenderIds(scope: Construct, name: string, senders: readonly IFunction[]): void {
  new CfnOutput(Stack.of(scope), name, { value: senders.map(roleIdOf).join(",") });
}

/** `AROA…`: what SQS calls the function's role as a sender. */
function roleIdOf({ role, node }: IFunction): string {
  if (!(role instanceof Role)) throw new Error(`${node.id} has no role of this stack`);
  return role.roleId;
}
