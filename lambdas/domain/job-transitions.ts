import { withLane } from "./job-lanes.ts";
import { escalatedUntil, mayReopen, NEW_ROUND, sameSource, withOpenCall } from "./job-round.ts";
import {
  type Claim,
  type ClaimOutcome,
  type DeadLetterMove,
  type Job,
  type JobBase,
  type JobEnd,
  type JobMove,
  type RequeueMove,
  type TransitionOutcome,
  BATCH_LATE,
  JOB_VERSION,
} from "./job-state.ts";

// What each call on a job comes to, but for the lease of a direct call: the specification of the job map's conditional
// writes, which its adapters follow and the contract suite holds them to.

/** What every state keeps of a job: an item is a few hundred bytes, and a story without end would make it cost more. */
const LONGEST_STORY = 8;

function baseOf(job: JobBase): JobBase {
  const { version, tenantId, jobId, requestHash, messageId, source, lane, laneReason } = job;
  const { attempt, roundStart, roundAt, story, openCalls, lanes, escalated } = job;
  return {
    version,
    tenantId,
    jobId,
    requestHash,
    messageId,
    source,
    lane,
    laneReason,
    attempt,
    roundStart,
    roundAt,
    story,
    ...(openCalls && { openCalls }),
    ...(lanes && { lanes }),
    ...(escalated && { escalated }),
  };
}

/** The open calls of a job that ends: one more where a worker is calling for it, and this is not that worker's own end. */
function openCallsAfter(job: Job, end: Pick<JobEnd, "status" | "attempt">): Pick<JobBase, "openCalls"> {
  if (job.state !== "running" || (end.status !== "cancelled" && end.attempt === job.intent.attempt))
    return {};
  return { openCalls: withOpenCall(job, job.leaseUntil) };
}

/** A second escalation of the same round changes nothing: the job has left its planned lane already. */
function escalatedFrom({ escalated }: Job, from: number): NonNullable<JobBase["escalated"]> {
  return escalated && escalated.until === undefined ? escalated : { from };
}

function storyWith(job: JobBase, { attempt, at, by, code }: JobMove): JobBase["story"] {
  return [...job.story, { attempt, at, by, code }].slice(-LONGEST_STORY);
}

/**
 * What a batch-lane claim meets. The conditional write: put when nothing is there (or, for a retry, when what is there
 * ended without success and is still at the attempt we read).
 */
export function decideClaim(current: Job | undefined, claim: Claim): ClaimOutcome & { readonly next?: Job } {
  if (current === undefined) {
    return { kind: "claimed", attempt: 1, next: queuedJob(claim, 1, NEW_ROUND) };
  }
  if (current.requestHash !== claim.requestHash) return { kind: "conflict", job: current };
  if (current.state === "queued" && sameSource(current.source, claim.source) && current.requeuedBy === null) {
    return { kind: "claimed", attempt: current.attempt };
  }
  if (mayReopen(current, claim)) {
    const attempt = current.attempt + 1;
    const given = { attempt, lane: claim.lane, reason: claim.laneReason, at: claim.receivedAt };
    const { story, openCalls } = current;
    const kept = { story, openCalls, ...withLane(current, given), ...escalatedUntil(current, attempt) };
    return { kind: "claimed", attempt, next: queuedJob(claim, attempt, kept) };
  }
  return { kind: "duplicate", job: current };
}

function queuedJob(
  claim: Claim,
  attempt: number,
  { story, openCalls, lanes, escalated }: Pick<JobBase, "story" | "openCalls" | "lanes" | "escalated">,
): Job {
  const { retry: _retry, receivedAt, ...fields } = claim;
  return {
    version: JOB_VERSION,
    ...fields,
    attempt,
    roundStart: attempt,
    roundAt: receivedAt,
    story,
    ...(openCalls && { openCalls }),
    ...(lanes && { lanes }),
    ...(escalated && { escalated }),
    state: "queued",
    requeuedBy: null,
  };
}

/** A success of any attempt since the job was last opened ends it; any other end counts only for the current attempt. */
export function decideEnd(
  current: Job | undefined,
  end: JobEnd,
): { readonly outcome: TransitionOutcome; readonly next?: Job } {
  if (current === undefined) return { outcome: "lost" };
  if (current.state === "ended") return { outcome: current.endedBy === end.endedBy ? "won" : "lost" };
  if (end.status !== "succeeded" && current.attempt !== end.attempt) return { outcome: "lost" };
  if (end.receivedAt !== undefined && end.receivedAt < current.roundAt) return { outcome: "lost" };
  const { status, endedBy, result, costPicoUsd, producedAt, effectiveUntil, endedAt, attempt } = end;
  return {
    outcome: "won",
    next: {
      ...baseOf(current),
      ...openCallsAfter(current, end),
      attempt: Math.max(current.attempt, attempt),
      state: "ended",
      status,
      endedBy,
      result,
      costPicoUsd,
      producedAt,
      effectiveUntil,
      endedAt,
    },
  };
}

/**
 * Back to the queue at the next attempt, once: the re-run of the step that moved it is told `won` again. Each attempt has
 * a number of its own, also one that does not count.
 */
export function decideRequeue(
  current: Job | undefined,
  move: RequeueMove,
): { readonly outcome: TransitionOutcome; readonly next?: Job } {
  if (current?.state === "queued" && current.attempt === move.attempt + 1 && current.requeuedBy === move.by) {
    return { outcome: "won" };
  }
  if (current === undefined || current.attempt !== move.attempt || holderOf(current) !== (move.owner ?? null))
    return { outcome: "lost" };
  return {
    outcome: "won",
    next: {
      ...baseOf(current),
      attempt: move.attempt + 1,
      roundStart: current.roundStart + (move.counts ? 0 : 1),
      story: storyWith(current, move),
      ...(move.code === BATCH_LATE && { escalated: escalatedFrom(current, move.attempt + 1) }),
      state: "queued",
      requeuedBy: move.by,
    },
  };
}

/** Who may move the job: the holder of its lease, anybody (null) where it waits, nobody where it has come to rest. */
function holderOf(job: Job): string | null | undefined {
  if (job.state === "running") return job.leaseOwner;
  return job.state === "queued" ? null : undefined;
}

/** Out to the dead letters after the last attempt of the round failed. */
export function decideDeadLetter(
  current: Job | undefined,
  move: DeadLetterMove,
): { readonly outcome: TransitionOutcome; readonly next?: Job } {
  if (current === undefined || current.state === "ended" || current.attempt !== move.attempt)
    return { outcome: "lost" };
  if (current.state === "dead-lettered")
    return { outcome: current.deadLetteredBy === move.by ? "won" : "lost" };
  return {
    outcome: "won",
    next: {
      ...baseOf(current),
      source: move.source,
      story: storyWith(current, move),
      state: "dead-lettered",
      deadLetteredBy: move.by,
    },
  };
}
