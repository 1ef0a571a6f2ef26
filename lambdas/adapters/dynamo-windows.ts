import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { z } from "zod";
import { type SegmentId, segmentIdSchema, type WindowId } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import type { Windows } from "../ports.ts";
import { type Decision, decideOnItem } from "./dynamo-decision.ts";
import { DynamoTable } from "./dynamo-table.ts";
import { guardExpiry } from "./guard-expiry.ts";
import { parseStored } from "./stored-record.ts";
import { decideAcquire, decideRelease, type WindowHead, windowHeadSchema } from "./window-head.ts";

const settledSchema = z.object({ version: z.literal(1), hash: z.string() });
const takenSchema = z.object({ version: z.literal(1), segmentId: segmentIdSchema });

function takenKey(segmentId: SegmentId) {
  return { pk: `SEGMENT#${segmentId}`, sk: "taken" };
}

/** Windows in the batches table: the head, each window's settled hashes, each segment's mark. */
export class DynamoWindows implements Windows {
  readonly #table: DynamoTable;
  readonly #now: () => Instant;

  constructor(client: DynamoDBDocumentClient, tableName: string, now: () => Instant = Date.now) {
    this.#table = new DynamoTable(client, tableName);
    this.#now = now;
  }

  async acquire(wanted: WindowId): Promise<WindowId | undefined> {
    return this.#decide((head) => decideAcquire(head, wanted));
  }

  async settle(id: WindowId, what: "frozen" | "plan", hash: string): Promise<string> {
    const item = await this.#table.putOnce({
      pk: `WINDOW#${id}`,
      sk: what,
      version: 1,
      hash,
      expiresAt: guardExpiry(this.#now()),
    });
    return parseStored(settledSchema, item, `window ${id} ${what}`).hash;
  }

  async settled(id: WindowId, what: "frozen" | "plan"): Promise<string | undefined> {
    const item = await this.#table.get({ pk: `WINDOW#${id}`, sk: what });
    return item && parseStored(settledSchema, item, `window ${id} ${what}`).hash;
  }

  /** Only the holder of the head marks, so the marks need no condition; a repeated one is the same but for its expiry. */
  async markTaken(id: WindowId, segments: readonly SegmentId[]): Promise<void> {
    const expiresAt = guardExpiry(this.#now());
    const marks = [...new Set(segments)].map((segmentId) => ({
      ...takenKey(segmentId),
      version: 1,
      segmentId,
      windowId: id,
      expiresAt,
    }));
    await this.#table.putAll(marks);
  }

  async taken(segments: readonly SegmentId[]): Promise<ReadonlySet<SegmentId>> {
    const items = await this.#table.getAll([...new Set(segments)].map(takenKey));
    return new Set(items.map((item) => parseStored(takenSchema, item, "segment mark").segmentId));
  }

  async release(id: WindowId): Promise<void> {
    await this.#decide((head) => ({ answer: undefined, next: decideRelease(head, id) }));
  }

  async #decide<Answer>(
    decide: (head: WindowHead | undefined) => Decision<WindowHead, Answer>,
  ): Promise<Answer> {
    return decideOnItem({
      table: this.#table,
      key: { pk: "WINDOW#HEAD", sk: "-" },
      parse: (item) => parseStored(windowHeadSchema, item, "window head"),
      toItem: (head) => head,
      decide,
    });
  }
}
