import { randomBytes } from "node:crypto";
import { RetryableError } from "../domain/failures.ts";
import type { Decision } from "../domain/workload-record.ts";
import type { DynamoTable, Item, Key } from "./dynamo-table.ts";

export type { Decision };

export type DecisionRequest<Stored, Answer> = {
  readonly table: DynamoTable;
  readonly key: Key;
  /** The record that an item holds. */
  readonly parse: (item: Item) => Stored;
  /** The attributes that hold a record. */
  readonly toItem: (next: Stored) => Item;
  readonly decide: (current: Stored | undefined) => Decision<Stored, Answer>;
  /** Most likely nothing is there: writes first and reads only when that is refused. */
  readonly expectAbsent?: boolean;
};

/** Another writer must come between each time: this many in a row means that something else is wrong. */
const ROUNDS = 20;

export function newWriteId(): string {
  return randomBytes(9).toString("base64url");
}

/**
 * Applies a pure decision to one item, as if nobody else wrote it meanwhile. Every write gives the item a fresh
 * `writeId` on the condition that it still has the one we decided on, so a decision is one conditional write:
 *
 *     read ──> decide ── nothing to write ──────────────> answer
 *      ^         └── put if writeId is unchanged ── done ─> answer
 *      └── refused: somebody else wrote, or we did and the SDK sent it again when the answer was lost;
 *          then the item has our writeId, and the answer we decided on stands
 *
 * Throws what `decide` throws, and RetryableError when the item never stands still.
 */
export async function decideOnItem<Stored, Answer>(
  request: DecisionRequest<Stored, Answer>,
): Promise<Answer> {
  const { table, key, parse, toItem, decide } = request;
  let item = request.expectAbsent ? undefined : await table.get(key);
  for (let round = 0; round < ROUNDS; round++) {
    const { answer, next } = decide(item && parse(item));
    if (next === undefined) return answer;
    const writeId = newWriteId();
    const unchanged = item && { text: "#writeId = :read", values: { ":read": item["writeId"] } };
    if (await table.putIf({ ...toItem(next), ...key, writeId }, unchanged)) return answer;
    item = await table.get(key);
    if (item?.["writeId"] === writeId) return answer;
  }
  throw new RetryableError(`${key.pk} was changed by others ${ROUNDS} times in a row`);
}
