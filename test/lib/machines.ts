import { z } from "zod";
import type { ExecutionResult } from "../../local/step-functions/execution.ts";
import type { Json } from "../../local/step-functions/json.ts";
import { StateMachine } from "../../local/step-functions/state-machine.ts";
import { StatesError } from "../../local/step-functions/states-error.ts";
import { VirtualClock } from "../../local/step-functions/virtual-clock.ts";
import { resourcesOf, templateOf } from "./stage-template.ts";

const machineSchema = z.object({ StateMachineName: z.string(), DefinitionString: z.string() });

/** The definitions of the stage's state machines by name without the stack's, every reference resolved. */
export const definitions: Readonly<Record<string, string>> = Object.fromEntries(
  Object.values(
    resourcesOf(templateOf({ workloads: { leadScoring: true } }), "AWS::StepFunctions::StateMachine"),
  )
    .map((machine) => machineSchema.parse(machine))
    .map(({ StateMachineName, DefinitionString }) => [
      StateMachineName.replace("Offpeak-", ""),
      DefinitionString,
    ]),
);

export type Call = { readonly name: string; readonly payload: Json; readonly at: number };
/** What functions answer, by construct id; `startExecution` takes the request of that state. A throw fails the call. */
export type Answers = Readonly<Record<string, (payload: Json, nth: number) => Json>>;

type Run = { readonly result: ExecutionResult; readonly calls: readonly Call[]; readonly seconds: number };

/** Runs a state machine in virtual time; `at` and `seconds` count from its start. */
export async function runMachine(name: string, input: Json, answers: Answers): Promise<Run> {
  const clock = new VirtualClock(0);
  const calls: Call[] = [];
  const answer = (called: string, payload: Json): Json => {
    const nth = calls.filter((call) => call.name === called).length;
    calls.push({ name: called, payload, at: clock.now() / 1000 });
    const found = answers[called];
    if (found === undefined) throw new StatesError("Unexpected", `nobody expected ${called}`);
    return found(payload, nth);
  };
  const machine = StateMachine.load(definitions[name], {
    arn: `arn:aws:states:eu-central-1:111122223333:stateMachine:${name}`,
    clock,
    random: () => 0.5,
    services: {
      invokeFunction: async (functionArn, payload) => answer(functionId(functionArn), payload),
      startExecution: async (request) => {
        answer("startExecution", { name: request.name ?? "", input: request.input });
        return { executionArn: "arn", startDate: "2026-11-21T00:00:00Z" };
      },
    },
  });
  const result = await clock.runUntilSettled(machine.startExecution({ input }).result);
  return { result, calls, seconds: clock.now() / 1000 };
}

function functionId(arn: string): string {
  return arn.slice(arn.lastIndexOf(":") + 1).replace(/^BatchWorkflow(\w+)[0-9A-F]{8}$/, "$1");
}

/** Fails as a function does that throws an error of this name. */
export function fail(name: string): never {
  throw new StatesError(name, "");
}
