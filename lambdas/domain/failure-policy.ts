import { MAX_ATTEMPTS } from "./job-state.ts";

/**
 * What kind of failure an attempt ended with. `request`: the provider refused the request itself; `provider`: an error
 * that another try may not meet; `expired` and `cancelled`: the batch ended first; `unknown`: there is no line, or
 * one that does not say.
 */
export type FailureOrigin = "request" | "provider" | "expired" | "cancelled" | "unknown";

export type FailureDecision = "fail" | "retry" | "dead-letter";

/**
 * What becomes of a job whose attempt failed. The request's own fault is final. Everything else gets the next batch
 * until the round's attempts are used up, then the dead letters, from where it is run once more, alone.
 */
export function decideFailure(origin: FailureOrigin, attempt: number, roundStart: number): FailureDecision {
  if (origin === "request") return "fail";
  return attempt - roundStart + 1 < MAX_ATTEMPTS ? "retry" : "dead-letter";
}

/** Whether an answered direct call may be tried again: time-out, conflict, rate limit, the provider's own errors. */
export function isRetryableStatus(statusCode: number): boolean {
  return statusCode === 408 || statusCode === 409 || statusCode === 429 || statusCode >= 500;
}

/**
 * What becomes of a direct job whose call failed: as in a batch, but that the next try follows at once, and that a job
 * which comes from the dead letters already (`last`) ends instead of going there again.
 */
export function decideDirectFailure(
  origin: FailureOrigin,
  attempt: number,
  roundStart: number,
  last: boolean,
): FailureDecision {
  const decision = decideFailure(origin, attempt, roundStart);
  return decision === "dead-letter" && last ? "fail" : decision;
}
