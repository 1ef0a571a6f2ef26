import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { TaskInput } from "aws-cdk-lib/aws-stepfunctions";
import { LambdaInvoke } from "aws-cdk-lib/aws-stepfunctions-tasks";
import type { Construct } from "constructs";
import { retriesOf } from "./retry-policies.ts";

type InvokeProps = {
  /** Of the state; the function's own unless told, for a machine that calls it in several states. */
  readonly name?: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** The state's output; what the function returned unless told. */
  readonly outputs?: unknown;
  /** `none` where the state machine itself goes on after any failure. */
  readonly patience?: "none" | "ordinary" | "patient";
};

/** A state under the function's own name that calls it; `$states.result` is what it returned. */
export function invoke(
  scope: Construct,
  called: IFunction,
  { name = called.node.id, payload, outputs, patience = "ordinary" }: InvokeProps,
): LambdaInvoke {
  const task = LambdaInvoke.jsonata(scope, name, {
    lambdaFunction: called,
    payload: TaskInput.fromObject({ ...payload }),
    payloadResponseOnly: true,
    retryOnServiceExceptions: false,
    ...(outputs !== undefined && { outputs }),
  });
  if (patience !== "none") for (const retry of retriesOf(patience)) task.addRetry(retry);
  return task;
}
