import type { BatchRecord, ProviderBatch } from "./batch-record.ts";
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

/** What a look at a provider's batch comes to. */
export type Watch = "wait" | "cancel" | "collect" | "abandon";

/**
 * Whether to go on waiting for a batch. One that is stuck is cancelled, so that what it finished is kept and the rest can
 * go elsewhere; one that hangs in cancelling too is given up. An orphan is cancelled as soon as it is seen: its requests
 * run elsewhere.
 */
export function decideWatch(
  seen: ProviderBatch,
  record: Pick<BatchRecord, "cancelAt" | "plan">,
  now: Instant,
): Watch {
  if (seen.phase === "ended" || seen.stage === "ended") return "collect";
  const isOrphan = record.plan.orphanOf !== null;
  if (record.cancelAt !== null) {
    const limit = isOrphan ? ORPHAN_WATCH_MS : STAGE_LIMITS_MS.cancelling;
    if (now >= record.cancelAt + limit) return "abandon";
    return seen.stage === "cancelling" ? "wait" : "cancel";
  }
  return isOrphan || now >= seen.stageSince + STAGE_LIMITS_MS[seen.stage] ? "cancel" : "wait";
}
