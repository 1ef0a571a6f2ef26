import type { Instant } from "./instant.ts";

/**
 * What is known of an account's rate limit for a model: when it may be called again at all, and what was left when the
 * provider last told, less the calls begun since.
 */
export type CallAllowance = {
  /** The provider asked that nobody calls before this. */
  readonly closedUntil: Instant;
  readonly told: {
    readonly at: Instant;
    /** Calls that were left at that time; below zero when more were begun since. */
    readonly calls: number;
    /** From then on the limit is whole again, and nothing is known. */
    readonly wholeAt: Instant;
    /** Milliseconds in which one more call is allowed. */
    readonly refillMs: number;
  } | null;
};

/** As much of a provider's answer as says something about its rate limits. */
export type LimitedAnswer = {
  readonly retryAfterMs: number | null;
  readonly allowance?: { readonly requests: number; readonly resetMs: number; readonly limit?: number };
};

export const NOTHING_KNOWN: CallAllowance = { closedUntil: 0, told: null };

/** Calls that are left to critical jobs when there are hardly any: others wait until there are more. */
const KEPT_FOR_CRITICAL = 5;

/** A call was begun. */
export function afterBegin(known: CallAllowance): CallAllowance {
  const { told } = known;
  return told === null ? known : { ...known, told: { ...told, calls: told.calls - 1 } };
}

/** A call was answered. What the provider says of what is left takes the place of what was known before. */
export function afterAnswer(known: CallAllowance, answer: LimitedAnswer, now: Instant): CallAllowance {
  const { retryAfterMs, allowance } = answer;
  const asked = retryAfterMs === null ? 0 : now + retryAfterMs;
  const closedUntil = Math.max(known.closedUntil, asked);
  if (allowance === undefined) return { ...known, closedUntil };
  const { requests, resetMs, limit } = allowance;
  // Where the limit is not known, what is missing comes back at once when it is whole again.
  const missing = limit === undefined ? 1 : Math.max(1, limit - requests);
  const told = { at: now, calls: requests, wholeAt: now + resetMs, refillMs: resetMs / missing };
  return { closedUntil, told };
}

/** Milliseconds to wait before another call is begun; 0: it may be begun now. */
export function waitBeforeCall(known: CallAllowance, isCritical: boolean, now: Instant): number {
  const closed = Math.max(0, known.closedUntil - now);
  const { told } = known;
  if (told === null || now >= told.wholeAt) return closed;
  const needed = 1 + (isCritical ? 0 : KEPT_FOR_CRITICAL);
  const refilledAt = told.at + (needed - told.calls) * told.refillMs;
  // Never longer than until the limit is whole: a limit may be smaller than what is kept.
  return Math.ceil(Math.max(closed, Math.min(refilledAt, told.wholeAt) - now, 0));
}
