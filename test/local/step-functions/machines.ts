import { StateMachine, type StateMachineOptions } from "../../../local/step-functions/state-machine.ts";
import type { ExecutionResult } from "../../../local/step-functions/execution.ts";
import type { Json } from "../../../local/step-functions/json.ts";
import type { TaskServices } from "../../../local/step-functions/task-resource.ts";
import { VirtualClock } from "../../../local/step-functions/virtual-clock.ts";

export const START = Date.parse("2026-11-21T00:00:00Z");
const ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:machine";
export const INVOKE = "arn:aws:states:::lambda:invoke";

export type Invoke = (functionName: string, payload: Json, signal: AbortSignal) => Promise<Json>;

function services(invoke: Invoke): TaskServices {
  return {
    invokeFunction: invoke,
    startExecution: () => Promise.reject(new Error("no machine to start")),
  };
}

/** A machine of these states, the first being the start, on a virtual clock. */
export function machineOf(
  states: Record<string, unknown>,
  options: Partial<StateMachineOptions> & { invoke?: Invoke; top?: Record<string, unknown> } = {},
): { machine: StateMachine; clock: VirtualClock } {
  const { invoke = () => Promise.reject(new Error("no function")), top = {}, ...rest } = options;
  const clock = new VirtualClock(START);
  const definition = { QueryLanguage: "JSONata", StartAt: Object.keys(states)[0], States: states, ...top };
  const machine = StateMachine.load(definition, { arn: ARN, clock, services: services(invoke), ...rest });
  return { machine, clock };
}

export async function runStates(
  states: Record<string, unknown>,
  input: Json,
  options: Parameters<typeof machineOf>[1] = {},
): Promise<ExecutionResult> {
  const { machine, clock } = machineOf(states, options);
  return clock.runUntilSettled(machine.startExecution({ input }).result);
}

export const task = (more: Record<string, unknown>): Record<string, unknown> => ({
  Type: "Task",
  Resource: INVOKE,
  Arguments: { FunctionName: "work", Payload: "{% $states.input %}" },
  Output: "{% $states.result.Payload %}",
  End: true,
  ...more,
});
