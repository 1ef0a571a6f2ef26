import { isEscalated, withLane } from "./job-lanes.ts";
import {
  escalatedUntil,
  mayReopen,
  NEW_ROUND,
  newRound,
  type Round,
  roundOf,
  sameSource,
  withOpenCall,
} from "./job-round.ts";
import { type DirectLease, type Job, JOB_VERSION, type LeaseOutcome, type RunningJob } from "./job-state.ts";

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
