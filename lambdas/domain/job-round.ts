import type { Claim, EndedJob, Job, JobBase, RunningJob } from "./job-state.ts";

/** Where a job stands since it was last opened. */
export type Round = Pick<Job, "attempt" | "roundStart" | "story" | "openCalls" | "escalated"> & {
  readonly roundAt: number | null;
  /** The job as it was, for the lanes it had; null for a new one. */
  readonly before: Job | null;
};

export const NEW_ROUND: Round = { attempt: 1, roundStart: 1, story: [], roundAt: null, before: null };

export function roundOf(before: Job): Round {
  const { attempt, roundStart, story, openCalls, escalated, roundAt } = before;
  return { attempt, roundStart, story, openCalls, escalated, roundAt, before };
}

/** Attempts counted from the next one. */
export function newRound(job: Job): Round {
  return { ...roundOf(job), attempt: job.attempt + 1, roundStart: job.attempt + 1 };
}

/**
 * Whether `retry: true` opens this job again: once for each message, and not for one that was sent before the message
 * that began the job's latest round. Such a one comes from a queue late, or once more, and was answered for.
 */
export function mayReopen(
  job: Job,
  { retry, messageId, receivedAt }: Pick<Claim, "retry" | "messageId" | "receivedAt">,
): job is EndedJob {
  const failed = job.state === "ended" && job.status !== "succeeded";
  return retry && failed && job.messageId !== messageId && receivedAt >= job.roundAt;
}

/** Whether both name the same line of a segment. */
export function sameSource(a: Job["source"], b: Job["source"]): boolean {
  return a !== null && b !== null && a.key === b.key && a.line === b.line;
}

/** A job that is opened again begins anew, without what an earlier round did to keep its due time. */
export function escalatedUntil({ escalated }: Job, attempt: number): Pick<JobBase, "escalated"> {
  return escalated ? { escalated: { until: attempt, ...escalated } } : {};
}

/** Beyond this the oldest is forgotten: each needs a worker that died and a job that was opened again since. */
const MOST_OPEN_CALLS = 4;

/** The call under way among the open ones; `until`: when its worker is surely dead. */
export function withOpenCall({ openCalls = [], intent, messageId, source }: RunningJob, until: number) {
  return [...openCalls, { ...intent, until, messageId, source }].slice(-MOST_OPEN_CALLS);
}
