import { errorMatches } from "./states-error.ts";

export interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds: number;
  readonly BackoffRate: number;
  readonly MaxAttempts: number;
  readonly MaxDelaySeconds?: number | undefined;
  readonly JitterStrategy: "FULL" | "NONE";
}

/** Milliseconds before retry number `attempt` (from 0) of one retrier; `random` yields numbers in [0, 1). */
export function retryDelayMs(retrier: Retrier, attempt: number, random: () => number): number {
  const backedOff = retrier.IntervalSeconds * retrier.BackoffRate ** attempt;
  const capped = Math.min(backedOff, retrier.MaxDelaySeconds ?? Number.POSITIVE_INFINITY);
  return (retrier.JitterStrategy === "FULL" ? capped * random() : capped) * 1000;
}

/** One visit to a state: each retrier counts its own attempts, and they end with the visit. */
export class RetryBudget {
  readonly #retriers: readonly Retrier[];
  readonly #used = new Map<Retrier, number>();

  constructor(retriers: readonly Retrier[]) {
    this.#retriers = retriers;
  }

  /** Retries taken on this visit, by all retriers together: the context's RetryCount. */
  get count(): number {
    return [...this.#used.values()].reduce((sum, used) => sum + used, 0);
  }

  /** Takes an attempt for the error: the delay before it in milliseconds, or null when there is none left. */
  take(error: string, random: () => number): number | null {
    const retrier = this.#retriers.find((candidate) => errorMatches(candidate.ErrorEquals, error));
    if (retrier === undefined) return null;
    const attempt = this.#used.get(retrier) ?? 0;
    if (attempt >= retrier.MaxAttempts) return null;
    this.#used.set(retrier, attempt + 1);
    return retryDelayMs(retrier, attempt, random);
  }
}
