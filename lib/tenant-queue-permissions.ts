import { ArnFormat, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { FunctionStage } from "./gateway-function.ts";
import type { Permission } from "./permissions.ts";

/** To send results to tenants' own queues: those that are made for them, and those that the stage names. */
export function sendToTenants(scope: Construct, { settings }: FunctionStage): Permission[] {
  const own = Stack.of(scope).formatArn({
    service: "sqs",
    resource: `${settings.stackName}-results-*`,
    arnFormat: ArnFormat.NO_RESOURCE_NAME,
  });
  const patternReason = "A tenant's queue is made when the tenant is, after deployment, under this name.";
  const actions = ["sqs:SendMessage"];
  return [
    { actions, resources: [own], patternReason },
    ...(settings.extraDeliveryQueueArns.length > 0
      ? [{ actions, resources: settings.extraDeliveryQueueArns }]
      : []),
  ];
}
