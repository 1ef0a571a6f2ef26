import {
  type Claim,
  type ClaimOutcome,
  type DeadLetterMove,
  type DirectLease,
  type EndedJob,
  type Job,
  type JobBase,
  type JobEnd,
  type JobMove,
  type LeaseOutcome,
  type RunningJob,
  type TransitionOutcome,
  JOB_VERSION,
} from "./job-state.ts";

// What each call on a job comes to: the specification of the job map's conditional writes, which its adapters follow
// and the contract suite holds them to.

function baseOf(job: JobBase): JobBase {
  const { version, tenantId, jobId, requestHash, messageId, source, lane, laneReason, attempt, roundStart } =
    job;
  return { version, tenantId, jobId, requestHash, messageId, source, lane, laneReason, attempt, roundStart };
}

function sameSource(a: Job["source"], b: Job["source"]): boolean {
  return a !== null && b !== null && a.key === b.key && a.line === b.line;
}

/** Whether `retry: true` opens this job again. */
function mayReopen(job: Job): job is EndedJob {
  return job.state === "ended" && job.status !== "succeeded";
}

/**
 * What a batch-lane claim meets. The conditional write: put when nothing is there (or, for a retry, when what is there
 * ended without success and is still at the attempt we read).
 */
export function decideClaim(current: Job | undefined, claim: Claim): ClaimOutcome & { readonly next?: Job } {
  if (current === undefined) {
    return { kind: "claimed", attempt: 1, next: queuedJob(claim, 1) };
  }
  if (current.requestHash !== claim.requestHash) return { kind: "conflict", job: current };
  if (
    current.state === "queued" &&
    sameSource(current.source, claim.source) &&
    current.attempt === current.roundStart
  ) {
    return { kind: "claimed", attempt: current.attempt };
  }
  if (claim.retry && mayReopen(current) && current.messageId !== claim.messageId) {
    return { kind: "claimed", attempt: current.attempt + 1, next: queuedJob(claim, current.attempt + 1) };
  }
  return { kind: "duplicate", job: current };
}

function queuedJob(claim: Claim, attempt: number): Job {
  const { retry: _retry, ...fields } = claim;
  return { version: JOB_VERSION, ...fields, attempt, roundStart: attempt, state: "queued", requeuedBy: null };
}

/** A success of any attempt ends a job; any other end counts only for the current attempt. */
export function decideEnd(
  current: Job | undefined,
  end: JobEnd,
): { readonly outcome: TransitionOutcome; readonly next?: Job } {
  if (current === undefined) return { outcome: "lost" };
  if (current.state === "ended") return { outcome: current.endedBy === end.endedBy ? "won" : "lost" };
  if (end.status !== "succeeded" && current.attempt !== end.attempt) return { outcome: "lost" };
  const { status, endedBy, result, costPicoUsd, producedAt, effectiveUntil, endedAt, attempt } = end;
  return {
    outcome: "won",
    next: {
      ...baseOf(current),
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

/** Back to the queue at the next attempt, once: the re-run of the step that moved it is told `won` again. */
export function decideRequeue(
  current: Job | undefined,
  move: JobMove,
): { readonly outcome: TransitionOutcome; readonly next?: Job } {
  if (current?.state === "queued" && current.attempt === move.attempt + 1 && current.requeuedBy === move.by) {
    return { outcome: "won" };
  }
  if (current?.state !== "queued" || current.attempt !== move.attempt) return { outcome: "lost" };
  return {
    outcome: "won",
    next: { ...baseOf(current), attempt: move.attempt + 1, state: "queued", requeuedBy: move.by },
  };
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
    next: { ...baseOf(current), source: move.source, state: "dead-lettered", deadLetteredBy: move.by },
  };
}

/**
 * Whether a direct call may be made. A live lease of another worker is respected; an expired one is taken over with
 * its attempt and intent, reported as `lost`: whoever dies before it is accounted for leaves it to the next. The owner of the
 * lease itself goes on to its next attempt when it asks again: its last call was answered or accounted for. Jobs waiting
 * for a batch are not touched here unless their source is named: that is a run request.
 */
export function decideLease(current: Job | undefined, lease: DirectLease): LeaseOutcome {
  if (current === undefined) return { kind: "leased", job: runningJob(lease, 1, 1), lost: null };
  if (current.requestHash !== lease.requestHash) return { kind: "conflict", job: current };
  switch (current.state) {
    case "ended":
      return lease.retry && mayReopen(current) && current.messageId !== lease.messageId
        ? { kind: "leased", job: runningJob(lease, current.attempt + 1, current.attempt + 1), lost: null }
        : { kind: "duplicate", job: current };
    case "running":
      if (current.leaseOwner === lease.owner) {
        return {
          kind: "leased",
          job: runningJob(
            { ...begunBy(current, lease), source: current.source },
            current.attempt + 1,
            current.roundStart,
          ),
          lost: null,
        };
      }
      // Only what began it may take it over: another copy may carry other tags, and the ledger holds those of the first.
      if (current.messageId !== lease.messageId && !sameSource(current.source, lease.source))
        return { kind: "duplicate", job: current };
      if (current.leaseUntil > lease.now) return { kind: "busy", job: current };
      return {
        kind: "leased",
        job: { ...current, leaseOwner: lease.owner, leaseUntil: lease.leaseUntil },
        lost: current,
      };
    case "queued":
      // The claim of a run request's own segment line: this is its first call.
      return sameSource(current.source, lease.source)
        ? {
            kind: "leased",
            job: runningJob(begunBy(current, lease), current.attempt, current.roundStart),
            lost: null,
          }
        : { kind: "duplicate", job: current };
    case "dead-lettered":
      return sameSource(current.source, lease.source)
        ? {
            kind: "leased",
            job: runningJob(begunBy(current, lease), current.attempt + 1, current.attempt + 1),
            lost: null,
          }
        : { kind: "duplicate", job: current };
  }
}

/** A run request is no message: the job stays the one of the message that began it or opened it again. */
function begunBy(current: Job, lease: DirectLease): DirectLease {
  return { ...lease, messageId: lease.messageId ?? current.messageId };
}

function runningJob(lease: DirectLease, attempt: number, roundStart: number): RunningJob {
  const { tenantId, jobId, requestHash, messageId, source, lane, laneReason } = lease;
  return {
    version: JOB_VERSION,
    tenantId,
    jobId,
    requestHash,
    messageId,
    source,
    lane,
    laneReason,
    attempt,
    roundStart,
    state: "running",
    leaseOwner: lease.owner,
    leaseUntil: lease.leaseUntil,
    intent: { attempt, at: lease.now },
  };
}
