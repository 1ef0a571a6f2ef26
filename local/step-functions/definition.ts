import { z } from "zod";
import { checkGraph } from "./graph-check.ts";

/*
 * The part of the Amazon States Language that this machine runs: JSONata state machines. Every object is strict, so
 * a state type or field that is not built fails when the definition is loaded, not in the middle of an execution.
 * Source: https://states-language.net/spec.html
 */

const json = z.json();
const expressionOr = <T extends z.ZodType>(schema: T): z.ZodUnion<[z.ZodString, T]> =>
  z.union([z.string().regex(/^\{%[\s\S]*%\}$/), schema]);

const retrier = z
  .strictObject({
    ErrorEquals: z.array(z.string()).min(1),
    IntervalSeconds: z.int().positive().default(1),
    BackoffRate: z.number().min(1).default(2),
    MaxAttempts: z.int().nonnegative().default(3),
    MaxDelaySeconds: z.int().positive().optional(),
    JitterStrategy: z.enum(["FULL", "NONE"]).default("NONE"),
    Comment: z.string().optional(),
  })
  .refine((value) => (value.MaxDelaySeconds ?? Number.POSITIVE_INFINITY) > value.IntervalSeconds, {
    message: "MaxDelaySeconds must be greater than IntervalSeconds",
  });

const assign = z.record(z.string().regex(/^(?!states$)[\p{L}_][\p{L}\p{N}_]{0,79}$/u), json);

const catcher = z.strictObject({
  ErrorEquals: z.array(z.string()).min(1),
  Next: z.string(),
  Assign: assign.optional(),
  Output: json.optional(),
  Comment: z.string().optional(),
});

/** States.ALL must stand alone in its list, and its list last. */
function wildcardLast(entries: readonly { readonly ErrorEquals: readonly string[] }[]): boolean {
  return entries.every(
    ({ ErrorEquals: names }, index) =>
      !names.includes("States.ALL") || (names.length === 1 && index === entries.length - 1),
  );
}
const wildcardMessage = { message: "States.ALL must appear alone and in the last entry" };

const described = { Comment: z.string().optional(), QueryLanguage: z.literal("JSONata").optional() };
const transforming = { Assign: assign.optional(), Output: json.optional() };
const flowing = { Next: z.string().optional(), End: z.literal(true).optional() };
const failing = {
  Retry: z.array(retrier).refine(wildcardLast, wildcardMessage).default([]),
  Catch: z.array(catcher).refine(wildcardLast, wildcardMessage).default([]),
};

const task = z.strictObject({
  Type: z.literal("Task"),
  Resource: z.string(),
  Arguments: json.optional(),
  TimeoutSeconds: expressionOr(z.int().positive()).optional(),
  ...described,
  ...transforming,
  ...flowing,
  ...failing,
});
const pass = z.strictObject({ Type: z.literal("Pass"), ...described, ...transforming, ...flowing });
const choice = z.strictObject({
  Type: z.literal("Choice"),
  Choices: z
    .array(
      z.strictObject({
        Condition: expressionOr(z.boolean()),
        Next: z.string(),
        Comment: z.string().optional(),
        ...transforming,
      }),
    )
    .min(1),
  Default: z.string().optional(),
  ...described,
  ...transforming,
});
const wait = z
  .strictObject({
    Type: z.literal("Wait"),
    Seconds: expressionOr(z.int().nonnegative()).optional(),
    Timestamp: z.string().optional(),
    ...described,
    ...transforming,
    ...flowing,
  })
  .refine((state) => (state.Seconds === undefined) !== (state.Timestamp === undefined), {
    message: "a Wait state has either Seconds or Timestamp",
  });
const succeed = z.strictObject({ Type: z.literal("Succeed"), Output: json.optional(), ...described });
const fail = z.strictObject({
  Type: z.literal("Fail"),
  Error: z.string().optional(),
  Cause: z.string().optional(),
  ...described,
});

export interface Graph {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}

const graph: z.ZodType<Graph> = z.lazy(() =>
  z.strictObject({
    StartAt: z.string(),
    States: z.record(z.string(), state),
    Comment: z.string().optional(),
    ProcessorConfig: z.strictObject({ Mode: z.literal("INLINE") }).optional(),
  }),
);

const map = z.strictObject({
  Type: z.literal("Map"),
  Items: json.optional(),
  ItemSelector: json.optional(),
  MaxConcurrency: expressionOr(z.int().nonnegative()).optional(),
  ItemProcessor: graph,
  ...described,
  ...transforming,
  ...flowing,
  ...failing,
});
const parallel = z.strictObject({
  Type: z.literal("Parallel"),
  Branches: z.array(graph).min(1),
  Arguments: json.optional(),
  ...described,
  ...transforming,
  ...flowing,
  ...failing,
});

type TaskState = z.infer<typeof task>;
type PassState = z.infer<typeof pass>;
type ChoiceState = z.infer<typeof choice>;
type WaitState = z.infer<typeof wait>;
type SucceedState = z.infer<typeof succeed>;
type FailState = z.infer<typeof fail>;
type MapState = z.infer<typeof map>;
type ParallelState = z.infer<typeof parallel>;
export type State =
  | TaskState
  | PassState
  | ChoiceState
  | WaitState
  | SucceedState
  | FailState
  | MapState
  | ParallelState;
export type Catcher = z.infer<typeof catcher>;

const state: z.ZodType<State> = z.lazy(() =>
  z.discriminatedUnion("Type", [task, pass, choice, wait, succeed, fail, map, parallel]),
);

const definition = z.strictObject({
  Comment: z.string().optional(),
  QueryLanguage: z.literal("JSONata"),
  Version: z.string().optional(),
  TimeoutSeconds: z.int().positive().optional(),
  StartAt: z.string(),
  States: z.record(z.string(), state),
});

export type Definition = z.infer<typeof definition>;

/** Parses the JSON text or object of a definition; throws with the place and reason of everything unknown in it. */
export function parseDefinition(source: unknown): Definition {
  const value: unknown = typeof source === "string" ? JSON.parse(source) : source;
  const parsed = definition.safeParse(value);
  if (!parsed.success)
    throw new Error(`this state machine cannot run here:\n${z.prettifyError(parsed.error)}`);
  checkGraph(parsed.data);
  return parsed.data;
}
