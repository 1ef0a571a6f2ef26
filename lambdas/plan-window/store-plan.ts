import { BATCH_RECORD_VERSION, type PlannedBatch } from "../domain/batch-record.ts";
import { roundDues } from "../domain/due-steps.ts";
import { TerminalError } from "../domain/failures.ts";
import type { SegmentId, WindowId } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import type { IndexEntry, PlannedDirect } from "../domain/job-record.ts";
import { encodeLine } from "../domain/jsonl.ts";
import {
  directEntriesKey,
  expiredEntriesKey,
  plannedLinesKey,
  segmentIndexKey,
} from "../domain/object-keys.ts";
import { inputLineBytes, type Plan, type PlannedGroup } from "../domain/planner.ts";
import { findPrice } from "../domain/prices.ts";
import type { ObjectStore } from "../ports.ts";

/** What a batch of the model costs now, and the same work at once; undefined when either is not sold. */
export function batchPrices(model: string, now: Instant): PlannedBatch["prices"] | undefined {
  const batch = findPrice(model, "batch", now);
  const sync = findPrice(model, "sync", now);
  return batch && sync && { batch, sync };
}

/** Stores a batch's lines under the plan that planned them, each due by its step of the batch's due times. */
export async function storeLines(
  windowId: WindowId,
  linesHash: string,
  { batchId, group, entries: planned, reason }: PlannedGroup,
  now: Instant,
  objects: ObjectStore,
): Promise<PlannedBatch> {
  const { dues, entries } = roundDues(planned, now);
  const linesKey = plannedLinesKey(windowId, linesHash, batchId);
  await objects.putStream(linesKey, encodeLines(entries));
  const prices = batchPrices(group.model, now);
  if (!prices) throw new TerminalError(`model ${group.model} was planned without a price`);
  const sum = (of: (entry: IndexEntry) => number) => entries.reduce((total, entry) => total + of(entry), 0);
  return {
    version: BATCH_RECORD_VERSION,
    batchId,
    windowId,
    group,
    requests: entries.length,
    tenants: new Set(entries.map((entry) => entry.tenantId)).size,
    inputBytes: sum(inputLineBytes),
    inputs: sum((entry) => entry.inputs),
    tokens: sum((entry) => entry.tokens),
    earliestDue: entries.reduce((earliest, entry) => Math.min(earliest, entry.due), Infinity),
    dues,
    plannedAt: now,
    reason,
    prices,
    linesKey,
    orphanOf: null,
  };
}

/** What waits on becomes a segment of its own: only an index, pointing at the lines where they already lie. */
export async function storeCarried(
  windowId: WindowId,
  linesHash: string,
  { carried }: Plan,
  objects: ObjectStore,
): Promise<SegmentId | null> {
  if (carried.length === 0) return null;
  const id = `carried-${windowId}-${linesHash}` as SegmentId;
  await objects.putStream(segmentIndexKey(id), encodeLines(carried));
  return id;
}

/** Stores what is to end because nobody could run it. */
export async function storeExpired(
  windowId: WindowId,
  linesHash: string,
  { expired }: Plan,
  objects: ObjectStore,
): Promise<string | null> {
  if (expired.length === 0) return null;
  const key = expiredEntriesKey(windowId, linesHash);
  await objects.putStream(key, encodeLines(expired));
  return key;
}

/** Stores what is to run in a direct lane, the first due first: so they are asked for. */
export async function storeDirect(
  windowId: WindowId,
  linesHash: string,
  { direct }: Plan,
  objects: ObjectStore,
): Promise<string | null> {
  if (direct.length === 0) return null;
  const key = directEntriesKey(windowId, linesHash);
  const lines = direct.map(({ entry, choice: { lane, reason } }): PlannedDirect => ({ entry, lane, reason }));
  await objects.putStream(key, encodeLines(lines.toSorted((a, b) => a.entry.due - b.entry.due)));
  return key;
}

async function* encodeLines(lines: readonly object[]): AsyncGenerator<Uint8Array> {
  for (const line of lines) yield Buffer.from(encodeLine(line));
}
