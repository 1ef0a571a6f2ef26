import pMap from "p-map";
import { BATCH_RECORD_VERSION, type PlannedBatch, type WindowPlan } from "../domain/batch-record.ts";
import { TerminalError } from "../domain/failures.ts";
import { type BatchId, contentHash, type SegmentId, type WindowId } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import type { IndexEntry } from "../domain/job-record.ts";
import { encodeLine } from "../domain/jsonl.ts";
import {
  expiredEntriesKey,
  openSegmentKey,
  plannedLinesKey,
  segmentIndexKey,
  windowObjectKey,
} from "../domain/object-keys.ts";
import {
  inputLineBytes,
  type Plan,
  type PlannedGroup,
  type PlanSettings,
  planWindow as decidePlan,
} from "../domain/planner.ts";
import { findPrice } from "../domain/prices.ts";
import type { Batches, JobMap, ObjectStore, RunQueue, Runtime, Tenants, Windows } from "../ports.ts";
import { circumstancesOf } from "./circumstances.ts";
import { requestExpiry } from "./expire-jobs.ts";
import { readEntries } from "./read-entries.ts";
import { readFrozen, readPlan } from "./window-objects.ts";

export type PlanPorts = {
  readonly objects: ObjectStore;
  readonly windows: Windows;
  readonly batches: Batches;
  readonly jobs: JobMap;
  readonly tenants: Tenants;
  readonly runs: RunQueue;
  readonly runtime: Runtime;
};

/** What a window comes to: the batches to write, and how many segments could not be read and stay open. */
export type Planned = { readonly batches: readonly BatchId[]; readonly setAside: number };

/**
 * Plans a frozen window, once: the first plan stored stands, and a re-run reads it instead of making another. Then
 * registers the plan's batches and the segment of the jobs that wait on.
 */
export async function planWindow(
  windowId: WindowId,
  ports: PlanPorts,
  settings: PlanSettings,
): Promise<Planned> {
  if ((await ports.windows.settled(windowId, "plan")) === undefined)
    await makePlan(windowId, ports, settings);
  const { batches, carried, setAside, expiredKey } = await readPlan(windowId, ports);
  await pMap(batches, (batch) => ports.batches.register(batch), { concurrency: 16 });
  if (expiredKey !== null) await requestExpiry(expiredKey, ports);
  if (carried !== null) await ports.objects.put(openSegmentKey(carried), "");
  return { batches: batches.map(({ batchId }) => batchId), setAside: setAside.length };
}

async function makePlan(windowId: WindowId, ports: PlanPorts, settings: PlanSettings): Promise<void> {
  const { segments } = await readFrozen(windowId, ports);
  const { entries, setAside } = await readEntries(segments, ports.objects);
  const now = ports.runtime.now();
  const decided = await decide(windowId, entries, ports, settings, now);
  // The plan's own name must not depend on itself: its lines lie under the hash of what was decided.
  const linesHash = contentHash(JSON.stringify([now, decided]), 16);
  const plan: WindowPlan = {
    version: 1,
    windowId,
    plannedAt: now,
    batches: await pMap(
      decided.batches,
      (batch) => storeLines(windowId, linesHash, batch, now, ports.objects),
      { concurrency: 4 },
    ),
    carried: await storeCarried(windowId, linesHash, decided, ports.objects),
    setAside: [...setAside],
    expiredKey: await storeExpired(windowId, linesHash, decided, ports.objects),
    jobs: {
      placed: decided.batches.reduce((sum, batch) => sum + batch.entries.length, 0),
      carried: decided.carried.length,
    },
  };
  const text = JSON.stringify(plan);
  const hash = contentHash(text, 16);
  await ports.objects.put(windowObjectKey(windowId, "plan", hash), text);
  await ports.windows.settle(windowId, "plan", hash);
}

async function decide(
  windowId: WindowId,
  entries: readonly IndexEntry[],
  ports: PlanPorts,
  settings: PlanSettings,
  now: Instant,
): Promise<Plan> {
  const models = new Set(entries.map(({ group }) => group.model));
  const unpriced = new Set([...models].filter((model) => batchPrices(model, now) === undefined));
  const circumstances = { ...(await circumstancesOf(entries, ports, now)), unpriced };
  return decidePlan(windowId, entries, circumstances, settings, now);
}

/** What a batch of the model costs now, and the same work at once; undefined when either is not sold. */
function batchPrices(model: string, now: Instant): PlannedBatch["prices"] | undefined {
  const batch = findPrice(model, "batch", now);
  const sync = findPrice(model, "sync", now);
  return batch && sync && { batch, sync };
}

async function storeLines(
  windowId: WindowId,
  linesHash: string,
  { batchId, group, entries }: PlannedGroup,
  now: Instant,
  objects: ObjectStore,
): Promise<PlannedBatch> {
  const linesKey = plannedLinesKey(windowId, linesHash, batchId);
  await objects.putStream(linesKey, encodeEntries(entries));
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
    plannedAt: now,
    prices,
    linesKey,
    orphanOf: null,
  };
}

/** What waits on becomes a segment of its own: only an index, pointing at the lines where they already lie. */
async function storeCarried(
  windowId: WindowId,
  linesHash: string,
  { carried }: Plan,
  objects: ObjectStore,
): Promise<SegmentId | null> {
  if (carried.length === 0) return null;
  const id = `carried-${windowId}-${linesHash}` as SegmentId;
  await objects.putStream(segmentIndexKey(id), encodeEntries(carried));
  return id;
}

async function storeExpired(
  windowId: WindowId,
  linesHash: string,
  { expired }: Plan,
  objects: ObjectStore,
): Promise<string | null> {
  if (expired.length === 0) return null;
  const key = expiredEntriesKey(windowId, linesHash);
  await objects.putStream(key, encodeEntries(expired));
  return key;
}

async function* encodeEntries(entries: readonly IndexEntry[]): AsyncGenerator<Uint8Array> {
  for (const entry of entries) yield Buffer.from(encodeLine(entry));
}
