import type { Catcher, Definition, Graph, State } from "./definition.ts";
import { compileTemplate, type Template } from "./expression.ts";
import type { Json } from "./json.ts";
import type { Retrier } from "./retry.ts";
import { parseResource, type TaskResource } from "./task-resource.ts";

/** A definition with every expression compiled, so that a mistake in one shows at load. */
export interface Program {
  readonly startAt: string;
  readonly steps: ReadonlyMap<string, Step>;
}

/** What a state does to its data as it is left. */
export interface Transform {
  readonly assign: Template | undefined;
  readonly output: Template | undefined;
}

interface CatchStep extends Transform {
  readonly errorEquals: readonly string[];
  readonly next: string;
}

interface StepBase extends Transform {
  readonly name: string;
  /** Null at an end. */
  readonly next: string | null;
  readonly retriers: readonly Retrier[];
  readonly catchers: readonly CatchStep[];
}

export type Step = StepBase &
  (
    | {
        readonly type: "Task";
        readonly resource: TaskResource;
        readonly args: Template | undefined;
        readonly timeoutSeconds: Template | undefined;
      }
    | { readonly type: "Pass" | "Succeed" }
    | {
        readonly type: "Choice";
        readonly rules: readonly (Transform & { readonly condition: Template; readonly next: string })[];
        readonly fallback: string | undefined;
      }
    | {
        readonly type: "Wait";
        readonly seconds: Template | undefined;
        readonly timestamp: Template | undefined;
      }
    | {
        readonly type: "Fail";
        readonly error: Template | undefined;
        readonly failCause: Template | undefined;
      }
    | {
        readonly type: "Map";
        readonly items: Template | undefined;
        readonly selector: Template | undefined;
        readonly maxConcurrency: Template | undefined;
        readonly processor: Program;
      }
    | {
        readonly type: "Parallel";
        readonly args: Template | undefined;
        readonly branches: readonly Program[];
      }
  );

/** Throws when an expression does not parse or a resource is not one that this machine can call. */
export function compileProgram(graph: Graph | Definition): Program {
  const steps = Object.entries(graph.States).map(
    ([name, state]) => [name, compileState(name, state)] as const,
  );
  return { startAt: graph.StartAt, steps: new Map(steps) };
}

function compileState(name: string, state: State): Step {
  const field = (key: string, value: Json | undefined): Template | undefined =>
    value === undefined ? undefined : compileTemplate(value, `"${key}" of state "${name}"`);
  const transform = (at: {
    readonly Assign?: Json | undefined;
    readonly Output?: Json | undefined;
  }): Transform => ({
    assign: field("Assign", at.Assign),
    output: field("Output", at.Output),
  });
  const caught = (entry: Catcher): CatchStep => ({
    errorEquals: entry.ErrorEquals,
    next: entry.Next,
    ...transform(entry),
  });
  const base: StepBase = {
    name,
    next: "Next" in state ? (state.Next ?? null) : null,
    retriers: "Retry" in state ? state.Retry : [],
    catchers: "Catch" in state ? state.Catch.map(caught) : [],
    ...(state.Type === "Fail" ? { assign: undefined, output: undefined } : transform(state)),
  };

  switch (state.Type) {
    case "Task":
      return {
        ...base,
        type: state.Type,
        resource: parseResource(state.Resource),
        args: field("Arguments", state.Arguments),
        timeoutSeconds: field("TimeoutSeconds", state.TimeoutSeconds),
      };
    case "Pass":
    case "Succeed":
      return { ...base, type: state.Type };
    case "Choice": {
      const rules = state.Choices.map((rule) => ({
        condition: compileTemplate(rule.Condition, `"Condition" of state "${name}"`),
        next: rule.Next,
        ...transform(rule),
      }));
      return { ...base, type: state.Type, rules, fallback: state.Default };
    }
    case "Wait":
      return {
        ...base,
        type: state.Type,
        seconds: field("Seconds", state.Seconds),
        timestamp: field("Timestamp", state.Timestamp),
      };
    case "Fail":
      return {
        ...base,
        type: state.Type,
        error: field("Error", state.Error),
        failCause: field("Cause", state.Cause),
      };
    case "Map":
      return {
        ...base,
        type: state.Type,
        items: field("Items", state.Items),
        selector: field("ItemSelector", state.ItemSelector),
        maxConcurrency: field("MaxConcurrency", state.MaxConcurrency),
        processor: compileProgram(state.ItemProcessor),
      };
    case "Parallel":
    default:
      return {
        ...base,
        type: state.Type,
        args: field("Arguments", state.Arguments),
        branches: state.Branches.map(compileProgram),
      };
  }
}
