import pMap from "p-map";
import type { PlannedBatch } from "../domain/batch-record.ts";
import type { SegmentId } from "../domain/ids.ts";
import { toIso } from "../domain/instant.ts";
import { type IndexEntry, JOB_RECORD_VERSION, type ManifestEntry, workedOnBy } from "../domain/job-record.ts";
import { encodeLine } from "../domain/jsonl.ts";
import { openSegmentKey, segmentIndexKey } from "../domain/object-keys.ts";
import type { AttemptMove } from "../domain/settle-line.ts";
import type { DeadLetterQueues, JobMap, ObjectStore, RunQueue, Runtime } from "../ports.ts";

const WRITES_IN_FLIGHT = 64;

export type MovePorts = {
  readonly objects: ObjectStore;
  readonly jobs: JobMap;
  readonly runs: RunQueue;
  readonly deadLetters: DeadLetterQueues;
  readonly runtime: Runtime;
};

type MoveOf<Kind extends AttemptMove["kind"]> = Extract<AttemptMove, { readonly kind: Kind }>;

/** A failed attempt whose job goes on; `position` among the requests of its batch that no line answered. */
export type Moving<Kind extends AttemptMove["kind"]> = {
  readonly entry: ManifestEntry;
  readonly move: MoveOf<Kind>;
  readonly position: number;
};

/** The settling step that moves jobs on: its name is in what it writes, so that a re-run moves nothing twice. */
export type MovingStep = {
  readonly name: string;
  readonly batch: PlannedBatch;
  readonly completedAt: number;
  /** Multiplies the failure policy's waits. */
  readonly waitFactor: number;
};

/**
 * Sends failed attempts to a later batch: their next attempts become a segment of their own, only an index that points at
 * the lines where the requests already lie. A re-run writes the same, less what has moved further meanwhile. Returns how
 * many moved.
 */
export async function requeue(
  moving: readonly Moving<"next-batch">[],
  step: MovingStep,
  ports: MovePorts,
): Promise<number> {
  const won = await requeued(moving, step, ({ counts }) => counts, ports.jobs);
  if (won.length === 0) return 0;
  const id = `requeued-${step.name}` as SegmentId;
  await ports.objects.put(segmentIndexKey(id), won.map((one) => encodeLine(nextAttempt(one, step))).join(""));
  await ports.objects.put(openSegmentKey(id), "");
  return won.length;
}

/** Those whose jobs this step has moved to their next attempt, now or in a run before. */
async function requeued<Kind extends "next-batch" | "alone">(
  moving: readonly Moving<Kind>[],
  step: MovingStep,
  counts: (move: MoveOf<Kind>) => boolean,
  jobs: JobMap,
): Promise<readonly Moving<Kind>[]> {
  const outcomes = await pMap(
    moving,
    ({ entry, move }) => jobs.requeue({ ...stepOf(entry, move, step), counts: counts(move) }),
    { concurrency: WRITES_IN_FLIGHT },
  );
  return moving.filter((_moving, number) => outcomes[number] === "won");
}

function nextAttempt({ entry, move, position }: Moving<"next-batch">, step: MovingStep): IndexEntry {
  const { attempt, roundStart, source, job } = entry;
  const { jobId, tenantId, tier, group, inputs, lineBytes } = job;
  const { batchId, requests } = step.batch;
  const second = position >= Math.ceil(requests / 2);
  // The second half waits twice as long, or both would meet the limit together again.
  const wait = (move.halve && second ? 2 : 1) * move.backOffMs * step.waitFactor;
  return {
    version: JOB_RECORD_VERSION,
    jobId,
    tenantId,
    attempt: attempt + 1,
    roundStart: roundStart + (move.counts ? 0 : 1),
    group,
    tokens: job.estimate.inputTokens,
    outputTokens: job.estimate.outputTokens,
    tier,
    inputs,
    lineBytes,
    due: workedOnBy(job),
    source,
    ...(wait > 0 && { notBefore: step.completedAt + wait }),
    ...(move.halve && { cohort: `${batchId}-${second ? 2 : 1}` }),
  };
}

/** Has failed attempts run again one by one, as run requests. Returns how many. */
export async function runAlone(
  moving: readonly Moving<"alone">[],
  step: MovingStep,
  ports: MovePorts,
): Promise<number> {
  const won = await requeued(moving, step, () => true, ports.jobs);
  await ports.runs.send(
    won.map(({ entry: { job, source, attempt } }) => ({
      version: 1,
      kind: "run",
      tenantId: job.tenantId,
      jobId: job.jobId,
      source,
      reason: "alone",
      attempt: attempt + 1,
    })),
  );
  return won.length;
}

/** Puts jobs whose attempts are used up on the dead-letter queue of their tier. Returns how many went. */
export async function deadLetter(
  moving: readonly Moving<"dead-letter">[],
  step: MovingStep,
  ports: MovePorts,
): Promise<number> {
  const sent = await pMap(
    moving,
    async ({ entry, move }) => {
      const { tenantId, jobId, tier } = entry.job;
      const { source, attempt: attempts } = entry;
      if ((await ports.jobs.deadLetter({ ...stepOf(entry, move, step), source })) === "lost") return 0;
      const at = toIso(ports.runtime.now());
      const { reason } = move;
      await ports.deadLetters.send(tier, {
        version: 1,
        kind: "job",
        reason,
        at,
        tenantId,
        jobId,
        attempts,
        source,
      });
      return 1;
    },
    { concurrency: 16 },
  );
  return sent.reduce<number>((sum, one) => sum + one, 0);
}

function stepOf(
  { job, attempt }: ManifestEntry,
  { reason }: { readonly reason: { readonly code: string } },
  step: MovingStep,
) {
  const { tenantId, jobId } = job;
  return { tenantId, jobId, attempt, by: step.name, at: step.completedAt, code: reason.code };
}
