import type { BatchRecord, PlannedBatch } from "./batch-record.ts";
import type { Instant } from "./instant.ts";
import type { DirectLane } from "./vocabulary.ts";

/** What a stage expects of its direct lanes when jobs have to leave a late batch. */
export type EscalationPace = {
  /** Jobs that the direct lanes of one account begin each second. */
  readonly jobsPerSecond: number;
  /** Milliseconds to spare: for the minute between two looks, a worker that dies, and queues. */
  readonly marginMs: number;
  /** The longest that one call may take, in milliseconds. */
  readonly callMs: Readonly<Record<DirectLane, number>>;
  /**
   * Milliseconds from stopping a batch until what it has not done is planned again: OpenAI takes up to 10 minutes to cancel,
   * then come a look, settling and the next window.
   */
  readonly stopMs: number;
};

type Timing = Pick<PlannedBatch, "plannedAt" | "earliestDue" | "dues" | "requests">;

/** `jobs` of a batch that are due by `due`, and after the step before. */
export type DueStep = { readonly due: Instant; readonly jobs: number };

/** The moment from which the jobs due by `due` leave their batch, and the lane that they are then in time for. */
export type CutOff = { readonly due: Instant; readonly at: Instant; readonly lane: DirectLane };

/** How much of a batch is due by when, earliest first. A plan that does not say is due as a whole with its first job. */
export function dueSteps({
  dues = [],
  earliestDue,
  requests,
}: Omit<Timing, "plannedAt">): readonly DueStep[] {
  return dues.length > 0 ? dues : [{ due: earliestDue, jobs: requests }];
}

/** Whether a job that is due at `due` is among those that leave their batch when the jobs due by `until` do. */
export function isDueBy(plan: Pick<PlannedBatch, "dues">, due: Instant, until: Instant): boolean {
  return (plan.dues ?? []).length === 0 || due <= until;
}

/** Whether some job of a batch still waits for it: its last due time was not reached by what has moved on. */
export function isWaitedFor({ plan, escalatedUntil }: Pick<BatchRecord, "plan" | "escalatedUntil">): boolean {
  return escalatedUntil === null || escalatedUntil < (dueSteps(plan).at(-1)?.due ?? Infinity);
}

/** The steps whose jobs have not moved on, earliest first. */
export function standingSteps({
  plan,
  escalatedUntil,
}: Pick<BatchRecord, "plan" | "escalatedUntil">): readonly DueStep[] {
  return dueSteps(plan).filter(({ due }) => escalatedUntil === null || due > escalatedUntil);
}

/** Jobs due by a moment, counted once for many questions. */
export function backlogOf(steps: readonly DueStep[]): (due: Instant) => number {
  const sorted = steps.toSorted((a, b) => a.due - b.due);
  let total = 0;
  const sums = sorted.map(({ due, jobs }) => ({ due, jobs: (total += jobs) }));
  return (due) => sums.findLast((sum) => sum.due <= due)?.jobs ?? 0;
}

/** Milliseconds in which the direct lanes begin so many jobs. */
export function drainMs(jobs: number, { jobsPerSecond }: Pick<EscalationPace, "jobsPerSecond">): number {
  return (jobs / jobsPerSecond) * 1000;
}

/**
 * Half of the time that a batch was given for what is due by `due` is its own, whatever the pace: where the faster lane
 * could not take so much in time anyway, a batch that is left at once would only be paid for twice.
 */
export function earliestCutOff({ plannedAt }: Pick<PlannedBatch, "plannedAt">, due: Instant): Instant {
  return plannedAt + (due - plannedAt) / 2;
}

/**
 * For each due time of a batch, earliest first, the moment at which the jobs due by then must move: the due time less the
 * time to begin all of them, one call, and the margin. Flex, where it is sold, needs the earlier moment and costs what
 * the batch costs; where that moment would take the batch's own half, sync's counts. `backlog`: jobs due by a moment that
 * the same direct lanes may have to take, those of other batches too. Jobs that were overdue when they were planned have
 * no moment of their own: they would leave each batch at once.
 */
export function cutOffsOf(
  plan: Timing,
  pace: EscalationPace,
  offersFlex: boolean,
  backlog: (due: Instant) => number = backlogOf(dueSteps(plan)),
): readonly CutOff[] {
  return dueSteps(plan).flatMap(({ due }): CutOff[] => {
    if (due <= plan.plannedAt) return [];
    const latest = (lane: DirectLane) =>
      due - drainMs(backlog(due), pace) - pace.marginMs - pace.callMs[lane];
    const earliest = earliestCutOff(plan, due);
    if (offersFlex && latest("flex") >= earliest) return [{ due, at: latest("flex"), lane: "flex" }];
    return [{ due, at: Math.max(latest("sync"), earliest), lane: "sync" }];
  });
}

/** The part of its time that a batch is left alone before it is stopped. */
const UNSTOPPED_PART = 0.4;

/**
 * The moment from which a batch that is not done is better stopped than left: what it has done is kept and paid once, and the
 * rest is still in time for a direct lane, flex where it is sold. Null where some of its jobs have much more time than
 * others, which it goes on for, or too little for that; then those who must, leave it.
 */
export function stopOf(
  plan: Timing,
  pace: EscalationPace,
  offersFlex: boolean,
  backlog: (due: Instant) => number = backlogOf(dueSteps(plan)),
): Pick<CutOff, "at" | "lane"> | null {
  const steps = dueSteps(plan);
  const [first] = steps;
  const last = steps.at(-1);
  if (first === undefined || last === undefined || first.due <= plan.plannedAt) return null;
  if (last.due - first.due > (first.due - plan.plannedAt) / 2) return null;
  const earliest = plan.plannedAt + (first.due - plan.plannedAt) * UNSTOPPED_PART;
  // No margin: the time that stopping takes is counted at its longest, and what comes later still is in time for sync.
  const latest = first.due - drainMs(backlog(first.due), pace) - pace.stopMs;
  const lanes = offersFlex ? (["flex", "sync"] as const) : (["sync"] as const);
  const stops = lanes.map((lane) => ({ lane, at: latest - pace.callMs[lane] }));
  return stops.find(({ at }) => at >= earliest) ?? null;
}

/**
 * The due time up to which a batch's jobs must move now; null when none must. What is due earlier moves along, or it
 * would stand in the way of what is due later.
 */
export function dueForEscalation(
  cutOffs: readonly CutOff[],
  escalatedUntil: Instant | null,
  now: Instant,
): Instant | null {
  const reached = cutOffs.filter(({ due, at }) => at <= now && due > (escalatedUntil ?? -Infinity));
  return reached.length === 0 ? null : Math.max(...reached.map(({ due }) => due));
}

/** The lane for a job that leaves its batch now, after `jobs` others: flex while a call there can end in time, or sync. */
export function laneInTime(
  due: Instant,
  jobs: number,
  pace: EscalationPace,
  offersFlex: boolean,
  now: Instant,
): DirectLane {
  return offersFlex && now + drainMs(jobs, pace) + pace.callMs.flex <= due ? "flex" : "sync";
}

/** Why a job leaves its batch, in words the operator reads. */
export function lateBatchReason(batchId: string, due: Instant, now: Instant): string {
  const left = due - now;
  if (left <= 0) return `its batch ${batchId} was not done by the due time`;
  const time = left < 120_000 ? `${Math.ceil(left / 1000)} s` : `${Math.floor(left / 60_000)} min`;
  return `its batch ${batchId} was not done ${time} before the due time`;
}
