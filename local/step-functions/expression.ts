import jsonata from "jsonata";
import { z } from "zod";
import type { Json } from "./json.ts";
import { StatesError } from "./states-error.ts";

/** What an expression can see: `$states`, the variables, and Step Functions' own functions. */
export type Bindings = Readonly<Record<string, unknown>>;

/** A value of a definition in which every string in `{% %}` is an expression; compiled once, evaluated often. */
export interface Template {
  /** Throws `States.QueryEvaluationError` when an expression fails or yields nothing JSON can represent. */
  evaluate(bindings: Bindings): Promise<Json>;
}

/**
 * Compiles a value of a definition. `where` names the field in errors, for example `"Arguments" of state "Submit"`.
 * Throws when an expression has a syntax error.
 */
export function compileTemplate(value: Json, where: string): Template {
  if (typeof value === "string")
    return isExpression(value, where) ? expression(value, where) : constant(value);
  if (Array.isArray(value)) return arrayTemplate(value.map((item: Json) => compileTemplate(item, where)));
  if (value !== null && typeof value === "object") {
    return objectTemplate(
      Object.entries(value).map(([key, item]) => [key, compileTemplate(item, where)] as const),
    );
  }
  return constant(value);
}

function isExpression(text: string, where: string): boolean {
  const opens = text.startsWith("{%");
  if (opens !== text.endsWith("%}")) {
    throw new Error(
      `${where}: an expression starts with {% and ends with %}, without spaces around them: ${text}`,
    );
  }
  return opens;
}

function constant(value: Json): Template {
  return { evaluate: () => Promise.resolve(value) };
}

function arrayTemplate(items: readonly Template[]): Template {
  return { evaluate: (bindings) => Promise.all(items.map((item) => item.evaluate(bindings))) };
}

function objectTemplate(fields: readonly (readonly [string, Template])[]): Template {
  return {
    async evaluate(bindings) {
      const values = fields.map(async ([key, field]) => [key, await field.evaluate(bindings)] as const);
      return Object.fromEntries(await Promise.all(values));
    },
  };
}

function expression(text: string, where: string): Template {
  const source = text.slice(2, -2).trim();
  const compiled = compile(source, where);
  const steps = stepsOf(source);
  return {
    async evaluate(bindings) {
      const plain = follow(steps, bindings);
      if (plain !== undefined) return plain;
      const result = await run(compiled, bindings, source, where);
      return toJson(result, source, where);
    },
  };
}

/** A variable and the names of fields, such as `$states.input.batchId`: most expressions of a machine are no more. */
const PLAIN_PATH = /^\$[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/;

function stepsOf(source: string): readonly string[] {
  return PLAIN_PATH.test(source) ? source.slice(1).split(".") : [];
}

/**
 * What a plain path leads to, without JSONata, in which simulations would spend a fifth of their time; undefined where it
 * leads through anything but plain objects or to anything but a plain value: JSONata has rules of its own for the rest.
 */
function follow(steps: readonly string[], bindings: Bindings): string | number | boolean | undefined {
  let value: unknown = steps.length === 0 ? undefined : bindings;
  for (const step of steps) {
    if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, step))
      return undefined;
    value = (value as Readonly<Record<string, unknown>>)[step];
  }

  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? value
    : undefined;
}

function compile(source: string, where: string): jsonata.Expression {
  try {
    return jsonata(source);
  } catch (error) {
    throw new Error(`${where}: the JSONata expression '${source}' does not parse: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

async function run(
  compiled: jsonata.Expression,
  bindings: Bindings,
  source: string,
  where: string,
): Promise<unknown> {
  try {
    const result: unknown = await compiled.evaluate(undefined, bindings);
    return result;
  } catch (error) {
    throw evaluationError(
      `The JSONata expression '${source}' specified for ${where} failed: ${messageOf(error)}`,
    );
  }
}

/** JSONata throws plain objects with a message, and our functions throw errors. */
function messageOf(error: unknown): string {
  const parsed = z.object({ message: z.string() }).safeParse(error);
  return parsed.success ? parsed.data.message : String(error);
}

/** A copy: JSONata's sequences carry hidden fields, and results may share structure with what they came from. */
function toJson(result: unknown, source: string, where: string): Json {
  const text: string | undefined =
    typeof result === "function" ? undefined : JSON.stringify(result, rejectNonJson);
  if (text === undefined) {
    throw evaluationError(
      `The JSONata expression '${source}' specified for ${where} returned nothing (undefined).`,
    );
  }
  // What JSON.parse gives is JSON: checking it once more would take most of the time of an evaluation.
  return JSON.parse(text) as Json;

  function rejectNonJson(_key: string, value: unknown): unknown {
    const representable = typeof value === "number" ? Number.isFinite(value) : typeof value !== "function";
    if (representable) return value;
    throw evaluationError(
      `The JSONata expression '${source}' specified for ${where} returned no JSON value.`,
    );
  }
}

function evaluationError(cause: string): StatesError {
  return new StatesError("States.QueryEvaluationError", cause);
}
