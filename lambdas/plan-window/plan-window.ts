import pMap from "p-map";
import type { WindowPlan } from "../domain/batch-record.ts";
import { type BatchId, contentHash, type WindowId } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import type { IndexEntry } from "../domain/job-record.ts";
import { openSegmentKey, windowObjectKey } from "../domain/object-keys.ts";
import { type Plan, type PlanSettings, planWindow as decidePlan } from "../domain/planner.ts";
import type { Batches, JobMap, ObjectStore, RunQueue, Runtime, Tenants, Windows } from "../ports.ts";
import { circumstancesOf } from "./circumstances.ts";
import { requestExpiry } from "./expire-jobs.ts";
import { readEntries } from "./read-entries.ts";
import { requestRuns } from "./run-direct.ts";
import { batchPrices, storeCarried, storeDirect, storeExpired, storeLines } from "./store-plan.ts";
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

/**
 * What a window comes to: the batches to write, how many jobs go into them, into direct lanes, and on to the next window,
 * and how many segments could not be read and stay open.
 */
export type Planned = {
  readonly batches: readonly BatchId[];
  readonly jobs: WindowPlan["jobs"];
  readonly setAside: number;
};

/**
 * Plans a frozen window, once: the first plan stored stands, and a re-run reads it instead of making another. Then
 * registers the plan's batches, has the jobs of direct lanes run, and marks the segment of those that wait on.
 */
export async function planWindow(
  windowId: WindowId,
  ports: PlanPorts,
  settings: PlanSettings,
): Promise<Planned> {
  if ((await ports.windows.settled(windowId, "plan")) === undefined)
    await makePlan(windowId, ports, settings);
  const { batches, carried, setAside, expiredKey, directKey, jobs } = await readPlan(windowId, ports);
  await pMap(batches, (batch) => ports.batches.register(batch), { concurrency: 16 });
  if (expiredKey !== null) await requestExpiry(expiredKey, ports);
  if (directKey !== null) await requestRuns(directKey, ports);
  if (carried !== null) await ports.objects.put(openSegmentKey(carried), "");
  return { batches: batches.map(({ batchId }) => batchId), jobs, setAside: setAside.length };
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
    directKey: await storeDirect(windowId, linesHash, decided, ports.objects),
    jobs: {
      placed: decided.batches.reduce((sum, batch) => sum + batch.entries.length, 0),
      direct: decided.direct.length,
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
  const circumstances = { ...(await circumstancesOf(entries, ports, settings, now)), unpriced };
  return decidePlan(windowId, entries, circumstances, settings, now);
}
