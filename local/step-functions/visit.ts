import type { Clock } from "./clock.ts";
import type { Bindings } from "./expression.ts";
import type { History } from "./history.ts";
import type { Json } from "./json.ts";
import { withinPayloadLimit } from "./limits.ts";
import type { Step, Transform } from "./program.ts";
import type { RetryBudget } from "./retry.ts";
import type { Scope } from "./scope.ts";
import type { TaskServices } from "./task-resource.ts";
import * as typed from "./typed-field.ts";

/** What all states of one execution share. */
export interface Run {
  readonly clock: Clock;
  readonly random: () => number;
  readonly services: TaskServices;
  /** Wait seconds and retry delays are divided by this. */
  readonly speed: number;
  readonly history: History;
  /** Step Functions' functions, by name. */
  readonly functions: Bindings;
  /** The parts of the context object that hold for the whole execution. */
  readonly context: Readonly<Record<string, Json>>;
}

/** Where in the machine a state runs: its graph's variables, its Map item, and the signal that ends it early. */
export interface Place {
  readonly scope: Scope;
  readonly item: { readonly Index: number; readonly Value: Json } | null;
  readonly signal: AbortSignal;
}

/** One visit to a state, retries included. */
export interface Visit extends Place {
  readonly step: Step;
  readonly input: Json;
  readonly budget: RetryBudget;
  readonly enteredAt: number;
}

/** How a state was left: with what, and whereto (null: the graph ends). */
export interface Left {
  readonly output: Json;
  readonly next: string | null;
}

/** Leaves by the state's own Assign, Output and Next. */
export async function leave(run: Run, visit: Visit, more: { readonly result?: Json } = {}): Promise<Left> {
  const output = await transform(run, visit, visit.step, more, more.result ?? visit.input);
  return { output, next: visit.step.next };
}

/** Assign and Output both see the variables as they were, and nothing is assigned when either fails. */
export async function transform(
  run: Run,
  visit: Visit,
  { assign, output }: Transform,
  more: Readonly<Record<string, Json>>,
  unchanged: Json,
): Promise<Json> {
  const bindings = bind(run, visit, more);
  const values = await typed.optional(assign, bindings, typed.record);
  const result = output === undefined ? unchanged : await output.evaluate(bindings);
  withinPayloadLimit(result, `The state "${visit.step.name}" returned a result`);
  if (values !== undefined) visit.scope.assign(values);
  return result;
}

export function bind(run: Run, visit: Visit, more: Readonly<Record<string, Json>> = {}): Bindings {
  const context = {
    ...run.context,
    State: {
      EnteredTime: new Date(visit.enteredAt).toISOString(),
      Name: visit.step.name,
      RetryCount: visit.budget.count,
    },
    ...(visit.item === null ? {} : { Map: { Item: visit.item } }),
  };
  return { ...run.functions, ...visit.scope.visible(), states: { input: visit.input, context, ...more } };
}
