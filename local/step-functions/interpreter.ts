import { mapConcurrently } from "./concurrency.ts";
import type { Json } from "./json.ts";
import { INLINE_MAP_CONCURRENCY, withinPayloadLimit } from "./limits.ts";
import type { Program, Step } from "./program.ts";
import { RetryBudget } from "./retry.ts";
import { Scope } from "./scope.ts";
import { errorMatches, StatesError, toStatesError } from "./states-error.ts";
import { callResource } from "./task-resource.ts";
import { withinSeconds } from "./task-timeout.ts";
import * as typed from "./typed-field.ts";
import { bind, leave, type Left, type Place, type Run, transform, type Visit } from "./visit.ts";

/**
 * Runs a whole machine and resolves to its output. Rejects with a StatesError when it fails, and with the signal's
 * reason when that aborts.
 */
export function runMachine(run: Run, program: Program, input: Json, signal: AbortSignal): Promise<Json> {
  return runGraph(run, program, input, { scope: new Scope(null), item: null, signal });
}

async function runGraph(run: Run, program: Program, input: Json, place: Place): Promise<Json> {
  let left: Left = { output: input, next: program.startAt };
  while (left.next !== null) {
    const step = program.steps.get(left.next);
    if (step === undefined) throw new StatesError("States.Runtime", `there is no state "${left.next}"`);
    left = await visitState(run, step, left.output, place);
  }
  return left.output;
}

async function visitState(run: Run, step: Step, input: Json, place: Place): Promise<Left> {
  place.signal.throwIfAborted();
  const budget = new RetryBudget(step.retriers);
  const visit: Visit = { ...place, step, input, budget, enteredAt: run.clock.now() };
  run.history.transitions += 1;
  run.history.add(`${step.type}StateEntered`, { state: step.name });
  for (;;) {
    try {
      const left = await perform(run, visit);
      run.history.add(`${step.type}StateExited`, { state: step.name });
      return left;
    } catch (thrown) {
      place.signal.throwIfAborted();
      const error = toStatesError(thrown);
      recordFailure(run, step, error);
      const delay = budget.take(error.error, run.random);
      if (delay === null) return await catchError(run, visit, error);
      await run.clock.sleep(delay / run.speed, place.signal);
      run.history.transitions += 1;
    }
  }
}

/** Tasks record their own. */
function recordFailure({ history }: Run, step: Step, { error }: StatesError): void {
  const details = { state: step.name, error };
  if (error === "States.QueryEvaluationError") history.add("EvaluationFailed", details);
  if (step.type === "Map" || step.type === "Parallel") history.add(`${step.type}StateFailed`, details);
}

async function catchError(run: Run, visit: Visit, error: StatesError): Promise<Left> {
  const { step } = visit;
  const catcher = step.catchers.find(({ errorEquals }) => errorMatches(errorEquals, error.error));
  if (catcher === undefined) throw error;
  const errorOutput = error.errorOutput;
  const output = await transform(run, visit, catcher, { errorOutput }, errorOutput);
  run.history.add(`${step.type}StateExited`, { state: step.name });
  return { output, next: catcher.next };
}

function perform(run: Run, visit: Visit): Promise<Left> {
  const { step } = visit;
  switch (step.type) {
    case "Task":
      return performTask(run, visit, step);
    case "Pass":
    case "Succeed":
      return leave(run, visit);
    case "Choice":
      return performChoice(run, visit, step);
    case "Wait":
      return performWait(run, visit, step);
    case "Fail":
      return performFail(run, visit, step);
    case "Map":
      return performMap(run, visit, step);
    case "Parallel":
    default:
      return performParallel(run, visit, step);
  }
}

type StepOf<T extends Step["type"]> = Step & { readonly type: T };

async function performTask(run: Run, visit: Visit, step: StepOf<"Task">): Promise<Left> {
  const bindings = bind(run, visit);
  const args = step.args === undefined ? visit.input : await step.args.evaluate(bindings);
  withinPayloadLimit(args, `The state "${step.name}" passes arguments`);
  const seconds = await typed.optional(step.timeoutSeconds, bindings, typed.positiveSeconds);
  const prefix = step.resource.kind === "lambda-function" ? "LambdaFunction" : "Task";
  run.history.add(`${prefix}Scheduled`, { state: step.name });
  run.history.add(`${prefix}Started`, { state: step.name });
  const result = await callTask(run, visit, step, { args, seconds, prefix });
  return leave(run, visit, { result });
}

interface TaskCall {
  readonly args: Json;
  readonly seconds: number | undefined;
  /** Of the names of the events. */
  readonly prefix: string;
}

async function callTask(
  run: Run,
  visit: Visit,
  step: StepOf<"Task">,
  { args, seconds, prefix }: TaskCall,
): Promise<Json> {
  try {
    const call = (signal: AbortSignal): Promise<Json> =>
      callResource(step.resource, args, run.services, signal);
    const result = await withinSeconds(run.clock, seconds, visit.signal, call);
    withinPayloadLimit(result, `The state "${step.name}" returned a result`);
    run.history.add(`${prefix}Succeeded`, { state: step.name });
    return result;
  } catch (thrown) {
    visit.signal.throwIfAborted();
    const error = toStatesError(thrown);
    const suffix = error.error === "States.Timeout" ? "TimedOut" : "Failed";
    run.history.add(`${prefix}${suffix}`, { state: step.name, error: error.error });
    throw error;
  }
}

async function performChoice(run: Run, visit: Visit, step: StepOf<"Choice">): Promise<Left> {
  const bindings = bind(run, visit);
  for (const rule of step.rules) {
    if (!(await typed.evaluate(rule.condition, bindings, typed.boolean))) continue;
    return { output: await transform(run, visit, rule, {}, visit.input), next: rule.next };
  }
  if (step.fallback === undefined) {
    throw new StatesError(
      "States.NoChoiceMatched",
      `No rule of "${step.name}" matched and it has no Default.`,
    );
  }
  return { output: await transform(run, visit, step, {}, visit.input), next: step.fallback };
}

async function performWait(run: Run, visit: Visit, step: StepOf<"Wait">): Promise<Left> {
  const bindings = bind(run, visit);
  const seconds = await typed.optional(step.seconds, bindings, typed.seconds);
  const until = await typed.optional(step.timestamp, bindings, typed.timestamp);
  const ms = seconds === undefined ? Date.parse(until ?? "") - run.clock.now() : (seconds * 1000) / run.speed;
  await run.clock.sleep(ms, visit.signal);
  return leave(run, visit);
}

async function performFail(run: Run, visit: Visit, step: StepOf<"Fail">): Promise<never> {
  const bindings = bind(run, visit);
  const error = await typed.optional(step.error, bindings, typed.text);
  const cause = await typed.optional(step.failCause, bindings, typed.text);
  throw new StatesError(error ?? "", cause ?? "");
}

async function performMap(run: Run, visit: Visit, step: StepOf<"Map">): Promise<Left> {
  const bindings = bind(run, visit);
  const items = await typed.items(step.items, bindings, visit.input);
  const limit = (await typed.optional(step.maxConcurrency, bindings, typed.count)) ?? 0;
  run.history.add("MapStateStarted", { state: step.name });
  const result = await mapConcurrently(
    items,
    limit === 0 ? INLINE_MAP_CONCURRENCY : limit,
    visit.signal,
    async (Value, Index, signal) => {
      run.history.add("MapIterationStarted", { state: step.name });
      const place: Place = { scope: new Scope(visit.scope), item: { Index, Value }, signal };
      const selected = await step.selector?.evaluate(bind(run, { ...visit, ...place, scope: visit.scope }));
      const input = withinPayloadLimit(selected ?? Value, `The state "${step.name}" passes an item`);
      const output = await runGraph(run, step.processor, input, place);
      run.history.add("MapIterationSucceeded", { state: step.name });
      return output;
    },
  );
  run.history.add("MapStateSucceeded", { state: step.name });
  return leave(run, visit, { result });
}

async function performParallel(run: Run, visit: Visit, step: StepOf<"Parallel">): Promise<Left> {
  const args = step.args === undefined ? visit.input : await step.args.evaluate(bind(run, visit));
  const { branches } = step;
  run.history.add("ParallelStateStarted", { state: step.name });
  const result = await mapConcurrently(branches, branches.length, visit.signal, (branch, _index, signal) =>
    runGraph(run, branch, args, { scope: new Scope(visit.scope), item: visit.item, signal }),
  );
  run.history.add("ParallelStateSucceeded", { state: step.name });
  return leave(run, visit, { result });
}
