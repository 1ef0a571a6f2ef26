import type { BatchRecord, ProviderBatch } from "./batch-record.ts";
import { isWaitedFor } from "./cut-offs.ts";
import type { Instant } from "./instant.ts";

const HOUR_MS = 3_600_000;

/**
 * Milliseconds that a batch may stay in a stage before it counts as stuck. Validating and finalizing take minutes; batches
 * that hang there have been seen to hang for good. Providers end a batch that runs for 24 hours themselves, so one that
 * runs longer will not end. Cancelling takes 10 minutes at most (OpenAI's batch guide).
 */
export const STAGE_LIMITS_MS: Readonly<Record<Exclude<ProviderBatch["stage"], "ended">, number>> = {
  validating: 4 * HOUR_MS,
  "in-progress": 25 * HOUR_MS,
  finalizing: 4 * HOUR_MS,
  cancelling: 2 * HOUR_MS,
};

/** Nobody waits for an orphan: it is watched for as long as it may yet send a bill. */
export const ORPHAN_WATCH_MS = 10 * 24 * HOUR_MS;

/**
 * Whether a batch that the provider does not find is one that it has no longer: it may take a while to appear, but any
 * batch has ended by then.
 */
export function isLost({ submittedAt }: Pick<BatchRecord, "submittedAt">, now: Instant): boolean {
  return submittedAt !== null && now >= submittedAt + STAGE_LIMITS_MS["in-progress"];
}

/** Longer than any outage that is worth waiting for: its jobs are days late by then. */
export const UNSEEN_LIMIT_MS = 3 * 24 * HOUR_MS;

/**
 * Whether a batch that cannot be looked at, or its results not be read, for whatever passing reason the provider gives, is
 * tried no longer: its jobs go on. One that was never seen to end is an orphan's to settle then, which is watched for longer.
 */
export function isUnseenForTooLong(
  { submittedAt, plan }: Pick<BatchRecord, "submittedAt" | "plan">,
  now: Instant,
): boolean {
  const limit = plan.orphanOf === null ? UNSEEN_LIMIT_MS : ORPHAN_WATCH_MS;
  return submittedAt !== null && now >= submittedAt + limit;
}

/** What a look at a provider's batch comes to. */
export type Watch = "wait" | "cancel" | "collect" | "abandon";

/**
 * Whether to go on waiting for a batch. One that is stuck is cancelled, so that what it finished is kept and the rest can
 * go elsewhere; one that hangs in cancelling too is given up. An orphan is cancelled as soon as it is seen: its requests
 * run elsewhere. So is one that is not done at `stopAt`, while its rest is still in time elsewhere, and a batch whose jobs have all moved to a faster lane, unless it is only writing down what it has done.
 */
export function decideWatch(
  seen: ProviderBatch,
  record: Pick<BatchRecord, "cancelAt" | "plan"> &
    Partial<Pick<BatchRecord, "submittedAt" | "isProvisional" | "escalatedUntil">>,
  now: Instant,
  stopAt: Instant | null = null,
): Watch {
  if (seen.phase === "ended" || seen.stage === "ended") return "collect";
  const isOrphan = record.plan.orphanOf !== null;
  // What may be somebody else's is waited for, and given up, but never cancelled.
  if (record.isProvisional) return isProvisionalOver(seen, record, now) ? "abandon" : "wait";
  if (record.cancelAt !== null) {
    const limit = isOrphan ? ORPHAN_WATCH_MS : STAGE_LIMITS_MS.cancelling;
    if (now >= record.cancelAt + limit) return "abandon";
    return seen.stage === "cancelling" ? "wait" : "cancel";
  }
  const { plan, escalatedUntil = null } = record;
  const isStopped = stopAt !== null && now >= stopAt;
  const isNeeded =
    !isOrphan && (seen.stage === "finalizing" || (!isStopped && isWaitedFor({ plan, escalatedUntil })));
  return !isNeeded || now >= stageSince(seen, record) + STAGE_LIMITS_MS[seen.stage] ? "cancel" : "wait";
}

function isProvisionalOver(
  seen: ProviderBatch,
  record: Pick<BatchRecord, "plan"> & Partial<Pick<BatchRecord, "submittedAt">>,
  now: Instant,
): boolean {
  if (seen.stage === "ended") return false;
  const limit = record.plan.orphanOf === null ? STAGE_LIMITS_MS[seen.stage] : UNSEEN_LIMIT_MS;
  return now >= stageSince(seen, record) + limit;
}

/** As the provider tells, where that can be: not before the batch was sent, nor later than any batch has run. */
function stageSince(
  seen: ProviderBatch,
  { submittedAt }: Partial<Pick<BatchRecord, "submittedAt">>,
): Instant {
  if (submittedAt == null) return seen.stageSince;
  const latest = submittedAt + STAGE_LIMITS_MS["in-progress"];
  return Math.min(Math.max(seen.stageSince, submittedAt), latest);
}
