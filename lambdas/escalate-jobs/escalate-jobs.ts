import pMap from "p-map";
import type { BatchRecord, PlannedBatch } from "../domain/batch-record.ts";
import {
  backlogOf,
  cutOffsOf,
  dueForEscalation,
  dueSteps,
  earliestCutOff,
  type EscalationPace,
  standingSteps,
} from "../domain/cut-offs.ts";
import type { BatchId } from "../domain/ids.ts";
import { attemptParts } from "../domain/failed-parts.ts";
import type { Instant } from "../domain/instant.ts";
import { escalationOfMarker, PREFIXES } from "../domain/object-keys.ts";
import { findPrice } from "../domain/prices.ts";
import { PROVIDERS } from "../domain/vocabulary.ts";
import type { Batches, JobMap, ObjectStore, RunQueue, Runtime } from "../ports.ts";
import { escalateBatch, type LateBatch, type Moved, NOTHING_MOVED } from "./escalate-batch.ts";

export type EscalatePorts = {
  readonly objects: ObjectStore;
  readonly jobs: JobMap;
  readonly batches: Batches;
  readonly runs: RunQueue;
  readonly runtime: Runtime;
};

const READS_IN_FLIGHT = 16;
/** Each holds some hundred lines, and has as many writes in flight. */
const BATCHES_AT_ONCE = 4;

/** A batch that a look has begun with. */
type Begun = { readonly record: BatchRecord; readonly until: Instant };

/** What one look came to; all zero when no batch is late. */
export type Escalation = {
  /** Batches that jobs left. */
  readonly batches: number;
  /** Jobs that were sent to a direct lane. */
  readonly jobs: number;
  /** Those of them that the pace says no lane takes in time any more. */
  readonly tooLate: number;
  /** What failed; the next look tries again. */
  readonly failures: readonly unknown[];
};

/**
 * Has the jobs of late batches run by a faster lane, in time for when they are due. Their batches go on: whichever
 * answer comes first ends a job. Every step may be repeated, and one that failed is, at the next look; a batch that cannot
 * be looked after holds up no other.
 */
export async function escalateJobs(ports: EscalatePorts, pace: EscalationPace): Promise<Escalation> {
  const failures: unknown[] = [];
  const attempt = attemptParts(failures);
  const begun = await attempt([], () => begunBatches(ports, failures));
  const moved: Moved[] = [];
  // Accounts are named after their provider.
  for (const account of PROVIDERS) {
    const late = await attempt([], () => lateBatches(account, begun, pace, ports, failures));
    const escalate = (batch: LateBatch) => attempt(NOTHING_MOVED, () => escalateBatch(batch, pace, ports));
    moved.push(...(await pMap(late, escalate, { concurrency: BATCHES_AT_ONCE })));
  }
  return {
    batches: moved.filter(({ jobs }) => jobs > 0).length,
    jobs: moved.reduce((sum, { jobs }) => sum + jobs, 0),
    tooLate: moved.reduce((sum, { tooLate }) => sum + tooLate, 0),
    failures,
  };
}

/**
 * The batches of an account that jobs must leave now, the most urgent first: those that have reached a cut-off, and those
 * that another look has begun with.
 */
async function lateBatches(
  account: string,
  begun: readonly Begun[],
  pace: EscalationPace,
  ports: Pick<EscalatePorts, "batches" | "runtime">,
  failures: unknown[],
): Promise<LateBatch[]> {
  const now = ports.runtime.now();
  const open = (await Array.fromAsync(ports.batches.listOpen(account))).filter(
    // Nobody waits for an orphan: its jobs are another batch's.
    ({ orphanOf }) => orphanOf === null,
  );
  const [near, far] = partition(open, (plan) => mayBeLate(plan, now));
  // Without credit no direct call is answered either: its jobs stay where an answer may still come from.
  const isHeld = near.length > 0 && ((await ports.batches.holdOf(account))?.until ?? 0) > now;
  const records = await pMap(near, ({ batchId }) => readRecord(batchId, ports.batches, failures), {
    concurrency: READS_IN_FLIGHT,
  });
  const standing = records.flatMap((record) =>
    record !== undefined && phaseOf(record) === "running" ? [record] : [],
  );
  // All that the account's direct lanes may have to take, whichever batch it is in.
  const backlog = backlogOf([...far.flatMap(dueSteps), ...standing.flatMap(standingSteps)]);
  const reached = (isHeld ? [] : standing).flatMap((record): Begun[] => {
    const cutOffs = cutOffsOf(record.plan, pace, isSoldFlex(record.plan, now), backlog);
    const until = dueForEscalation(cutOffs, record.escalatedUntil, now);
    return until === null ? [] : [{ record, until }];
  });
  const unfinished = begun.filter(({ record }) => record.plan.group.account === account);
  const late = Map.groupBy([...reached, ...unfinished], ({ record }) => record.plan.batchId);
  return [...late.values()]
    .map((of): LateBatch => {
      const { plan } = of[0]!.record;
      const untils = of.map(({ until }) => until);
      return {
        plan,
        until: Math.max(...untils),
        begun: untils,
        phase: phaseOf(of[0]!.record),
        offersFlex: isSoldFlex(plan, now),
        backlog,
      };
    })
    .toSorted((a, b) => a.plan.earliestDue - b.plan.earliestDue);
}

/** What other looks have begun and, as far as their markers tell, not finished. */
async function begunBatches(
  { objects, batches }: Pick<EscalatePorts, "objects" | "batches">,
  failures: unknown[],
): Promise<Begun[]> {
  const markers = (await Array.fromAsync(objects.list(PREFIXES.escalations))).map(({ key }) =>
    escalationOfMarker(key),
  );
  const records = await pMap(markers, ({ batchId }) => readRecord(batchId, batches, failures), {
    concurrency: READS_IN_FLIGHT,
  });
  return markers.flatMap(({ until }, number) => {
    const record = records[number];
    return record === undefined ? [] : [{ record, until }];
  });
}

/** Read one by one: a row that this release cannot read holds up no other batch. */
function readRecord(
  batchId: BatchId,
  batches: Batches,
  failures: unknown[],
): Promise<BatchRecord | undefined> {
  return attemptParts(failures)(undefined, () => batches.get(batchId));
}

/** No batch has a cut-off before: most open ones need not be read. */
function mayBeLate(plan: PlannedBatch, now: Instant): boolean {
  return dueSteps(plan).some(({ due }) => due > plan.plannedAt && earliestCutOff(plan, due) <= now);
}

/** Its jobs wait for what the provider does; then, for minutes, for its settling. */
function phaseOf({ state, settlementKey }: BatchRecord): LateBatch["phase"] {
  if (state === "closed") return "closed";
  return settlementKey === null ? "running" : "settling";
}

function isSoldFlex({ group }: PlannedBatch, now: Instant): boolean {
  return findPrice(group.model, "flex", now) !== undefined;
}

function partition<Item>(items: readonly Item[], test: (item: Item) => boolean): [Item[], Item[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}
