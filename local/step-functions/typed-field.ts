import { z } from "zod";
import type { Bindings, Template } from "./expression.ts";
import type { Json } from "./json.ts";
import { StatesError } from "./states-error.ts";

/** The types that fields must have once their expressions are evaluated. */
export const seconds = z.int().min(0).max(99_999_999);
export const positiveSeconds = z.int().min(1).max(99_999_999);
export const timestamp = z.iso.datetime({ offset: true });
export const count = z.int().nonnegative();
export const boolean = z.boolean();
export const text = z.string();
export const record = z.record(z.string(), z.json());
const array = z.array(z.json());

/** The field's value; throws `States.QueryEvaluationError` when it has another type. */
export async function evaluate<T>(field: Template, bindings: Bindings, type: z.ZodType<T>): Promise<T> {
  const value = await field.evaluate(bindings);
  const parsed = type.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new StatesError(
    "States.QueryEvaluationError",
    `An expression returned an unexpected result type: ${z.prettifyError(parsed.error)}`,
  );
}

export async function optional<T>(
  field: Template | undefined,
  bindings: Bindings,
  type: z.ZodType<T>,
): Promise<T | undefined> {
  return field === undefined ? undefined : evaluate(field, bindings, type);
}

/** A Map's items: the field's value or else the state's input, which must be an array. */
export function items(
  field: Template | undefined,
  bindings: Bindings,
  input: Json,
): Promise<readonly Json[]> {
  return evaluate(field ?? { evaluate: () => Promise.resolve(input) }, bindings, array);
}
