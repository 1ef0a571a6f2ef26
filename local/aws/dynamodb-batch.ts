import { z } from "zod";
import type { Answer } from "./answer.ts";
import { parseRequest } from "./service.ts";
import type { JsonInput } from "./service.ts";

const writesSchema = z.looseObject({ RequestItems: z.record(z.string(), z.array(z.unknown())) });
const getsSchema = z.looseObject({
  RequestItems: z.record(z.string(), z.looseObject({ Keys: z.array(z.unknown()) })),
});
const answerSchema = z.record(z.string(), z.unknown());

export interface SplitBatch {
  /** The request with the first half of its items. */
  readonly kept: JsonInput;
  readonly isEmpty: boolean;
  /** The answer for `kept`, with the other half named as not processed. */
  complete(answer: Answer): Answer;
}

/** Halves a batch as DynamoDB does under load: some items done, the others handed back. */
export function splitBatch(operation: "BatchWriteItem" | "BatchGetItem", input: JsonInput): SplitBatch {
  return operation === "BatchWriteItem" ? splitWrites(input) : splitGets(input);
}

function splitWrites(input: JsonInput): SplitBatch {
  const batch = parseRequest(writesSchema, input);
  const { first, second } = halve(batch.RequestItems);
  return {
    kept: { ...batch, RequestItems: first },
    isEmpty: Object.keys(first).length === 0,
    complete: (answer) => edit(answer, (body) => ({ ...body, UnprocessedItems: second })),
  };
}

function splitGets(input: JsonInput): SplitBatch {
  const batch = parseRequest(getsSchema, input);
  const keys = Object.entries(batch.RequestItems).map(([table, { Keys }]) => [table, Keys] as const);
  const { first, second } = halve(Object.fromEntries(keys));
  const withOptions = (part: Record<string, unknown[]>): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(part).map(([table, Keys]) => [table, { ...batch.RequestItems[table], Keys }]),
    );
  return {
    kept: { ...batch, RequestItems: withOptions(first) },
    isEmpty: Object.keys(first).length === 0,
    complete: (answer) =>
      edit(answer, (body) => ({ Responses: {}, ...body, UnprocessedKeys: withOptions(second) })),
  };
}

function halve(items: Record<string, unknown[]>): Record<"first" | "second", Record<string, unknown[]>> {
  const all = Object.entries(items).flatMap(([table, entries]) => entries.map((entry) => ({ table, entry })));
  const middle = Math.floor(all.length / 2);
  return { first: byTable(all.slice(0, middle)), second: byTable(all.slice(middle)) };
}

function byTable(entries: readonly { table: string; entry: unknown }[]): Record<string, unknown[]> {
  const tables: Record<string, unknown[]> = {};
  for (const { table, entry } of entries) (tables[table] ??= []).push(entry);
  return tables;
}

function edit(answer: Answer, change: (body: JsonInput) => JsonInput): Answer {
  const body = answerSchema.parse(JSON.parse(answer.body.toString()));
  // The checksum was of the body before.
  const { "x-amz-crc32": _checksum, ...headers } = answer.headers;
  return { ...answer, headers, body: JSON.stringify(change(body)) };
}
