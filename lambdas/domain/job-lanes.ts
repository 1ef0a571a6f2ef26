import type { Job, JobBase } from "./job-state.ts";

/** One lane that a job was given: from which attempt on, since when, and why in words the operator reads. */
export type LaneGiven = NonNullable<JobBase["lanes"]>[number];

/** An item is a few hundred bytes, and lanes without end would make it cost more. */
const MOST_LANES = 8;

/** The lanes a job was given, oldest first; the last is its current one. */
export function lanesOf(
  job: Pick<JobBase, "lanes" | "lane" | "laneReason" | "attempt" | "roundAt">,
): readonly LaneGiven[] {
  const { lanes, lane, laneReason: reason, attempt, roundAt: at } = job;
  return lanes ?? [{ attempt, lane, reason, at }];
}

/**
 * What a job keeps of its lanes when it is given one: nothing while it only ever had the first, which its own fields tell
 * of, and nothing new where lane and reason are the ones it has.
 */
export function withLane(job: Job, given: LaneGiven): Pick<JobBase, "lanes"> {
  if (job.lane === given.lane && job.laneReason === given.reason)
    return job.lanes ? { lanes: job.lanes } : {};
  // The first was given with the round, whatever attempt the job has reached since.
  const known = job.lanes ?? lanesOf({ ...job, attempt: 1 });
  return { lanes: [...known, given].slice(-MOST_LANES) };
}

/** Whether an attempt is one of those that a job needed because its batch would have come too late. */
export function isEscalated({ escalated }: Pick<JobBase, "escalated">, attempt: number): boolean {
  if (escalated === undefined || attempt < escalated.from) return false;
  return escalated.until === undefined || attempt < escalated.until;
}
