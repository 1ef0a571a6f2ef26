import { z } from "zod";
import { AwsError } from "./aws-error.ts";

const primitive = z.union([z.string(), z.number(), z.boolean()]);
/** What metadata may be: nothing nested, no nulls, no empty lists. */
export const metadataSchema = z.record(z.string(), z.union([primitive, z.array(primitive).min(1)]));
export type Metadata = z.infer<typeof metadataSchema>;

/** Whether metadata is asked for. */
export type Filter = (metadata: Metadata) => boolean;

const list = z.array(primitive).min(1);
const conditionSchema = z.strictObject({
  $eq: primitive.optional(),
  $ne: primitive.optional(),
  $gt: z.number().optional(),
  $gte: z.number().optional(),
  $lt: z.number().optional(),
  $lte: z.number().optional(),
  $in: list.optional(),
  $nin: list.optional(),
  $exists: z.boolean().optional(),
});
type Condition = z.infer<typeof conditionSchema>;

const filterSchema = z.record(z.string(), z.unknown());

/**
 * A filter of S3 Vectors, with the operators that its documentation lists. Throws AwsError for any other, and for a key
 * that cannot be filtered by.
 */
export function parseFilter(input: unknown, unfiltered: ReadonlySet<string>): Filter {
  const parsed = filterSchema.safeParse(input);
  if (!parsed.success) throw invalid("a filter is an object");
  const tests = Object.entries(parsed.data).map(([key, value]) => testOf(key, value, unfiltered));
  return (metadata) => tests.every((test) => test(metadata));
}

function testOf(key: string, value: unknown, unfiltered: ReadonlySet<string>): Filter {
  if (key === "$and" || key === "$or") {
    if (!Array.isArray(value) || value.length === 0) throw invalid(`${key} takes a list of filters`);
    const filters = value.map((each) => parseFilter(each, unfiltered));
    return key === "$and"
      ? (metadata) => filters.every((filter) => filter(metadata))
      : (metadata) => filters.some((filter) => filter(metadata));
  }
  if (key.startsWith("$")) throw invalid(`the operator ${key} is not known`);
  if (unfiltered.has(key)) throw invalid(`${key} cannot be filtered by`);
  const shorthand = primitive.safeParse(value);
  const condition = conditionSchema.safeParse(shorthand.success ? { $eq: shorthand.data } : value);
  if (!condition.success) throw invalid(`${key}: ${z.prettifyError(condition.error)}`);
  return ({ [key]: found }) => holds(condition.data, found);
}

function holds(condition: Condition, found: Metadata[string] | undefined): boolean {
  const values = found === undefined ? [] : Array.isArray(found) ? found : [found];
  const numbers = values.filter((value) => typeof value === "number");
  const { $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $exists } = condition;
  return (
    ($eq === undefined || values.includes($eq)) &&
    ($ne === undefined || !values.includes($ne)) &&
    ($gt === undefined || numbers.some((value) => value > $gt)) &&
    ($gte === undefined || numbers.some((value) => value >= $gte)) &&
    ($lt === undefined || numbers.some((value) => value < $lt)) &&
    ($lte === undefined || numbers.some((value) => value <= $lte)) &&
    ($in === undefined || values.some((value) => $in.includes(value))) &&
    ($nin === undefined || !values.some((value) => $nin.includes(value))) &&
    ($exists === undefined || $exists === (found !== undefined))
  );
}

function invalid(message: string): AwsError {
  return new AwsError("ValidationException", message);
}
