import pMap from "p-map";
import type { PlannedBatch } from "../domain/batch-record.ts";
import { drainMs, type EscalationPace, isDueBy, laneInTime, lateBatchReason } from "../domain/cut-offs.ts";
import type { Instant } from "../domain/instant.ts";
import type { RunRequest } from "../domain/internal-messages.ts";
import { type IndexEntry, indexEntrySchema } from "../domain/job-record.ts";
import type { Job } from "../domain/job-state.ts";
import { jsonLines } from "../domain/jsonl.ts";
import { escalationKey } from "../domain/object-keys.ts";
import { parseStoredJson } from "../domain/stored-json.ts";
import type { EscalatePorts } from "./escalate-jobs.ts";

/** Longer than the function may run: whoever moved a job before that has sent its request, or is dead. */
export const ESCALATING_MS = 200_000;
/** Lines that are read, asked for and moved at a time: memory stays flat. */
const JOBS_AT_ONCE = 500;
const WRITES_IN_FLIGHT = 64;

/**
 * A batch whose jobs due by `until` must move; `backlog`: jobs due by a moment that the same lanes may have to take.
 * `begun`: up to when earlier looks were to move them, and may have died. From `settling` on only what was begun is
 * finished: the batch's own results decide the rest.
 */
export type LateBatch = {
  readonly plan: PlannedBatch;
  readonly until: Instant;
  readonly begun: readonly Instant[];
  readonly phase: "running" | "settling" | "closed";
  readonly offersFlex: boolean;
  readonly backlog: (due: Instant) => number;
};

/** `tooLate`: those of the jobs that the pace says no lane takes in time any more. */
export type Moved = { readonly jobs: number; readonly tooLate: number };

export const NOTHING_MOVED: Moved = { jobs: 0, tooLate: 0 };

/**
 * Moves the due jobs of one batch: each to its next attempt, which costs none of its round, and then a request to run that.
 * What ended or moved on meanwhile is left alone. A marker stands from before the first move until nothing is left to do: the
 * batch itself may be settled and closed before a worker that died in between is missed.
 */
export async function escalateBatch(
  batch: LateBatch,
  pace: EscalationPace,
  ports: EscalatePorts,
): Promise<Moved> {
  const { plan, until } = batch;
  await ports.objects.put(escalationKey(plan.batchId, until), "");
  let moved = NOTHING_MOVED;
  let inOtherHands = 0;
  let some: IndexEntry[] = [];
  const move = async (): Promise<void> => {
    const { won, left } = await requeue(some, batch, ports);
    const requests = won.map((entry) => requestOf(entry, batch, pace, ports.runtime.now()));
    await ports.runs.send(requests);
    const late = won.filter((entry) => isTooLate(entry, batch, pace, ports.runtime.now()));
    moved = { jobs: moved.jobs + won.length, tooLate: moved.tooLate + late.length };
    inOtherHands += left;
    some = [];
  };
  for await (const { bytes } of jsonLines(ports.objects.stream(plan.linesKey))) {
    const entry = parseStoredJson(indexEntrySchema, bytes);
    if (!isDueBy(plan, entry.due, until)) continue;
    some.push(entry);
    if (some.length === JOBS_AT_ONCE) await move();
  }
  if (some.length > 0) await move();
  // Whoever has them may die before it sends their requests.
  if (inOtherHands > 0) return moved;
  // A worker that slept may yet move a job that is still to be settled, and die.
  if (batch.phase === "settling") return moved;
  if (batch.phase === "running") await ports.batches.recordEscalated(plan.batchId, until);
  const done = new Set([until, ...batch.begun]);
  await ports.objects.delete([...done].map((each) => escalationKey(plan.batchId, each)));
  return moved;
}

/** The entries that are this step's to run, and how many another run of it has just taken. */
async function requeue(
  entries: readonly IndexEntry[],
  { plan, phase }: LateBatch,
  { jobs, runtime }: EscalatePorts,
): Promise<{ readonly won: readonly IndexEntry[]; readonly left: number }> {
  const by = `escalate-${plan.batchId}`;
  const now = runtime.now();
  const found = await jobs.getMany(entries.map(({ tenantId, jobId }) => ({ tenantId, jobId })));
  const standings = entries.map((entry, number) => standingOf(found[number], entry, { by, phase, now }));
  const candidates = entries.filter((_entry, number) => standings[number] === "here");
  const outcomes = await pMap(
    candidates,
    ({ tenantId, jobId, attempt }) =>
      jobs.requeue({ tenantId, jobId, attempt, by, at: now, code: "batch_late", counts: false }),
    { concurrency: WRITES_IN_FLIGHT },
  );
  return {
    won: candidates.filter((_entry, number) => outcomes[number] === "won"),
    left: standings.filter((standing) => standing === "in other hands").length,
  };
}

/**
 * Where a job is, as far as a reading that may be a moment old tells: what it says of a job that is not over, the
 * conditional write decides.
 */
function standingOf(
  job: Job | undefined,
  { attempt }: IndexEntry,
  { by, phase, now }: { readonly by: string; readonly phase: LateBatch["phase"]; readonly now: Instant },
): "here" | "in other hands" | "over" {
  if (job === undefined || job.state === "ended") return "over";
  if (job.attempt <= attempt) return phase === "running" ? "here" : "over";
  if (job.attempt > attempt + 1 || job.state !== "queued" || job.requeuedBy !== by) return "over";
  // Moved by a run of this step that may still be at it, or may have died before the request was sent.
  const movedAt = job.story.at(-1)?.at ?? 0;
  return now < movedAt + ESCALATING_MS ? "in other hands" : "here";
}

function requestOf(
  { tenantId, jobId, source, attempt, due }: IndexEntry,
  { plan, offersFlex, backlog }: LateBatch,
  pace: EscalationPace,
  now: Instant,
): RunRequest {
  return {
    version: 1,
    kind: "run",
    tenantId,
    jobId,
    source,
    reason: "escalated",
    attempt: attempt + 1,
    lane: {
      lane: laneInTime(due, backlog(due), pace, offersFlex, now),
      reason: lateBatchReason(plan.batchId, due, now),
    },
  };
}

/** Not for what was overdue when it was planned: that moves along with the others. */
function isTooLate(
  { due }: IndexEntry,
  { plan, backlog }: LateBatch,
  pace: EscalationPace,
  now: Instant,
): boolean {
  return due > plan.plannedAt && now + drainMs(backlog(due), pace) + pace.callMs.sync > due;
}
