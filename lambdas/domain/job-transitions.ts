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
  type RequeueMove,
  type RunningJob,
  type TransitionOutcome,
  BATCH_LATE,
  JOB_VERSION,
} from "./job-state.ts";
import { isEscalated, withLane } from "./job-lanes.ts";

// What each call on a job comes to: the specification of the job map's conditional writes, which its adapters follow
// and the contract suite holds them to.

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

/** Beyond this the oldest is forgotten: each needs a worker that died and a job that was opened again since. */
const MOST_OPEN_CALLS = 4;

/** The open calls of a job that ends: one more where a worker is calling for it, and this is not that worker's own end. */
function openCallsAfter(job: Job, end: Pick<JobEnd, "status" | "attempt">): Pick<JobBase, "openCalls"> {
  if (job.state !== "running" || (end.status !== "cancelled" && end.attempt === job.intent.attempt))
    return {};
  return { openCalls: withOpenCall(job, job.leaseUntil) };
}

/** The call under way among the open ones; `until`: when its worker is surely dead. */
function withOpenCall({ openCalls = [], intent, messageId, source }: RunningJob, until: number) {
  return [...openCalls, { ...intent, until, messageId, source }].slice(-MOST_OPEN_CALLS);
}

/** A second escalation of the same round changes nothing: the job has left its planned lane already. */
function escalatedFrom({ escalated }: Job, from: number): NonNullable<JobBase["escalated"]> {
  return escalated && escalated.until === undefined ? escalated : { from };
}

/** A job that is opened again begins anew, without what an earlier round did to keep its due time. */
function escalatedUntil({ escalated }: Job, attempt: number): Pick<JobBase, "escalated"> {
  return escalated ? { escalated: { until: attempt, ...escalated } } : {};
}

function storyWith(job: JobBase, { attempt, at, by, code }: JobMove): JobBase["story"] {
  return [...job.story, { attempt, at, by, code }].slice(-LONGEST_STORY);
}

function sameSource(a: Job["source"], b: Job["source"]): boolean {
  return a !== null && b !== null && a.key === b.key && a.line === b.line;
}

/**
 * Whether `retry: true` opens this job again: once for each message, and not for one that was sent before the message
 * that began the job's latest round. Such a one comes from a queue late, or once more, and was answered for.
 */
function mayReopen(
  job: Job,
  { retry, messageId, receivedAt }: Pick<Claim, "retry" | "messageId" | "receivedAt">,
): job is EndedJob {
  const failed = job.state === "ended" && job.status !== "succeeded";
  return retry && failed && job.messageId !== messageId && receivedAt >= job.roundAt;
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

/**
 * Whether a direct call may be made. A live lease of another worker is respected; an expired one is taken over with
 * its attempt and intent, reported as `lost`: whoever dies before it is accounted for leaves it to the next. The owner of the
 * lease itself goes on to its next attempt when it asks again: its last call was answered or accounted for. Jobs waiting
 * for a batch are not touched here unless their source is named: that is a run request.
 */
export function decideLease(current: Job | undefined, lease: DirectLease): LeaseOutcome {
  if (current === undefined) return { kind: "leased", job: runningJob(lease, NEW_ROUND), lost: null };
  if (current.requestHash !== lease.requestHash) return { kind: "conflict", job: current };
  switch (current.state) {
    case "ended":
      return mayReopen(current, lease)
        ? {
            kind: "leased",
            job: runningJob(lease, {
              ...newRound(current),
              roundAt: lease.receivedAt,
              ...escalatedUntil(current, current.attempt + 1),
            }),
            lost: null,
          }
        : { kind: "duplicate", job: current };
    case "running":
      if (current.leaseOwner === lease.owner) {
        return {
          kind: "leased",
          job: runningJob({ ...begunBy(current, lease), source: current.source }, nextOf(current, lease)),
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
      // The claim of a run request's own segment line: this is its first call. A late copy of one finds the job moved on.
      return sameSource(current.source, lease.source) &&
        (lease.attempt === null || lease.attempt === current.attempt)
        ? { kind: "leased", job: runningJob(begunBy(current, lease), roundOf(current)), lost: null }
        : { kind: "duplicate", job: current };
    case "dead-lettered":
      // Its own letter names the attempt that failed last; a run request of before is late.
      return sameSource(current.source, lease.source) &&
        (lease.attempt === null || lease.attempt === current.attempt)
        ? {
            kind: "leased",
            job: runningJob(begunBy(current, lease), newRound(current)),
            lost: null,
          }
        : { kind: "duplicate", job: current };
  }
}

/** A run request is no message: the job stays the one of the message that began it or opened it again. */
function begunBy(current: Job, lease: DirectLease): DirectLease {
  return { ...lease, messageId: lease.messageId ?? current.messageId };
}

type Round = Pick<Job, "attempt" | "roundStart" | "story" | "openCalls" | "escalated"> & {
  readonly roundAt: number | null;
  /** The job as it was, for the lanes it had; null for a new one. */
  readonly before: Job | null;
};

const NEW_ROUND: Round = { attempt: 1, roundStart: 1, story: [], roundAt: null, before: null };

function roundOf(before: Job): Round {
  const { attempt, roundStart, story, openCalls, escalated, roundAt } = before;
  return { attempt, roundStart, story, openCalls, escalated, roundAt, before };
}

/** Attempts counted from the next one. */
function newRound(job: Job): Round {
  return { ...roundOf(job), attempt: job.attempt + 1, roundStart: job.attempt + 1 };
}

/** The next attempt of the worker that holds the lease. A call that it still waits for must not be forgotten by it. */
function nextOf(current: RunningJob, { goesOn = "counted", leaseUntil }: DirectLease): Round {
  const { intent } = current;
  return {
    ...roundOf(current),
    attempt: current.attempt + 1,
    roundStart: current.roundStart + (goesOn === "counted" ? 0 : 1),
    ...(goesOn === "hedge" && {
      openCalls: withOpenCall({ ...current, intent: { ...intent, hedged: true } }, leaseUntil),
    }),
  };
}

function runningJob(lease: DirectLease, round: Round): RunningJob {
  const { tenantId, jobId, requestHash, messageId, source, lane, laneReason, now: at } = lease;
  const { attempt, roundStart, story, roundAt, openCalls, escalated, before } = round;
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
    roundAt: roundAt ?? lease.receivedAt,
    story,
    ...(openCalls && { openCalls }),
    ...(before && withLane(before, { attempt, lane, reason: laneReason, at })),
    ...(escalated && { escalated }),
    state: "running",
    leaseOwner: lease.owner,
    leaseUntil: lease.leaseUntil,
    intent: {
      attempt,
      at,
      ...(lane === "flex" && { lane }),
      ...(lease.goesOn === "hedge" && { hedged: true }),
      ...(escalated && isEscalated({ escalated }, attempt) && { escalated: true }),
    },
  };
}
