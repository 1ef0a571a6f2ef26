import pMap from "p-map";
import type { z } from "zod";
import {
  BATCH_RECORD_VERSION,
  frozenWindowSchema,
  type PlannedBatch,
  type WindowPlan,
  windowPlanSchema,
} from "../domain/batch-record.ts";
import { MissingRecordError, TerminalError } from "../domain/failures.ts";
import { groupKey } from "../domain/group.ts";
import { type BatchId, contentHash, type SegmentId, type TenantId, type WindowId } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import { type IndexEntry, indexEntrySchema } from "../domain/job-record.ts";
import { encodeLine, jsonLines } from "../domain/jsonl.ts";
import { openSegmentKey, plannedLinesKey, segmentIndexKey, windowObjectKey } from "../domain/object-keys.ts";
import {
  inputLineBytes,
  type Plan,
  type PlannedGroup,
  type PlanSettings,
  planWindow as decidePlan,
} from "../domain/planner.ts";
import { findPrice } from "../domain/prices.ts";
import type { Batches, ObjectStore, Runtime, Tenants, Windows } from "../ports.ts";
import { parseStoredJson } from "../domain/stored-json.ts";

export type PlanPorts = {
  readonly objects: ObjectStore;
  readonly windows: Windows;
  readonly batches: Batches;
  readonly tenants: Tenants;
  readonly runtime: Runtime;
};

/**
 * Plans a frozen window, once: the first plan stored stands, and a re-run reads it instead of making another. Then
 * registers the plan's batches and the segment of the jobs that wait on. Returns the batches to write.
 */
export async function planWindow(
  windowId: WindowId,
  ports: PlanPorts,
  settings: PlanSettings,
): Promise<BatchId[]> {
  const hash = (await ports.windows.settled(windowId, "plan")) ?? (await makePlan(windowId, ports, settings));
  const plan = await readStored(windowPlanSchema, windowObjectKey(windowId, "plan", hash), ports.objects);
  await pMap(plan.batches, (batch) => ports.batches.register(batch), { concurrency: 16 });
  if (plan.carried !== null) await ports.objects.put(openSegmentKey(plan.carried), "");
  return plan.batches.map(({ batchId }) => batchId);
}

async function makePlan(windowId: WindowId, ports: PlanPorts, settings: PlanSettings): Promise<string> {
  const entries = await frozenEntries(windowId, ports);
  const now = ports.runtime.now();
  const decided = decidePlan(
    windowId,
    entries,
    await dedicatedTenants(entries, ports.tenants),
    settings,
    now,
  );
  // The plan's own name must not depend on itself: its lines lie under the hash of what was decided.
  const linesHash = contentHash(JSON.stringify([now, decided]), 16);
  const batches = await pMap(
    decided.batches,
    (batch) => storeLines(windowId, linesHash, batch, now, ports.objects),
    {
      concurrency: 4,
    },
  );
  const plan: WindowPlan = {
    version: 1,
    windowId,
    plannedAt: now,
    batches,
    carried: await storeCarried(windowId, linesHash, decided, ports.objects),
    jobs: {
      placed: decided.batches.reduce((sum, batch) => sum + batch.entries.length, 0),
      carried: decided.carried.length,
    },
  };
  const text = JSON.stringify(plan);
  const hash = contentHash(text, 16);
  await ports.objects.put(windowObjectKey(windowId, "plan", hash), text);
  return ports.windows.settle(windowId, "plan", hash);
}

/** The index entries of every segment the window took. Equal groups and keys share one object: there are few of them. */
async function frozenEntries(windowId: WindowId, ports: PlanPorts): Promise<IndexEntry[]> {
  const hash = await ports.windows.settled(windowId, "frozen");
  if (hash === undefined) throw new MissingRecordError(`window ${windowId} is not frozen`);
  const frozen = await readStored(
    frozenWindowSchema,
    windowObjectKey(windowId, "frozen", hash),
    ports.objects,
  );
  const groups = new Map<string, IndexEntry["group"]>();
  const entries: IndexEntry[] = [];
  const keys = new Map<string, string>();
  for (const segment of frozen.segments) {
    for await (const { bytes } of jsonLines(ports.objects.stream(segmentIndexKey(segment)))) {
      const entry = parseStoredJson(indexEntrySchema, bytes);
      const { key } = entry.source;
      entries.push({
        ...entry,
        group: interned(groups, groupKey(entry.group), entry.group),
        source: { ...entry.source, key: interned(keys, key, key) },
      });
    }
  }
  return entries;
}

/** The first value seen under a name, in place of every later one. */
function interned<Value>(seen: Map<string, Value>, name: string, value: Value): Value {
  const found = seen.get(name);
  if (found !== undefined) return found;
  seen.set(name, value);
  return value;
}

async function dedicatedTenants(entries: readonly IndexEntry[], tenants: Tenants): Promise<Set<TenantId>> {
  const dedicated = new Set<TenantId>();
  for (const tenantId of new Set(entries.map((entry) => entry.tenantId))) {
    const tenant = await tenants.get(tenantId);
    if (tenant?.policy.isolation === "dedicated") dedicated.add(tenantId);
  }
  return dedicated;
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
  const batch = findPrice(group.model, "batch", now);
  const sync = findPrice(group.model, "sync", now);
  if (!batch || !sync) throw new TerminalError(`model ${group.model} was admitted without a price`);
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
    prices: { batch, sync },
    linesKey,
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

async function* encodeEntries(entries: readonly IndexEntry[]): AsyncGenerator<Uint8Array> {
  for (const entry of entries) yield Buffer.from(encodeLine(entry));
}

async function readStored<Schema extends z.ZodType>(schema: Schema, key: string, objects: ObjectStore) {
  const bytes = await objects.get(key);
  if (bytes === undefined) throw new MissingRecordError(`${key} is missing`);
  return parseStoredJson(schema, bytes);
}
