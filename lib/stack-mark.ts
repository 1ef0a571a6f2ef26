import { Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { StageSettings } from "./stage-settings.ts";

/**
 * What marks our batches at a provider: two stages of the same name, in other accounts or regions, may share a provider
 * account, and neither may take the other's batches for its own.
 */
export function stackMark(scope: Construct, settings: StageSettings): string {
  const { account, region } = Stack.of(scope);
  return `${account}/${region}/${settings.stackName}`;
}
