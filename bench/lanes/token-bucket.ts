/**
 * A rate limit that is refilled continuously, as Anthropic documents its own (platform.claude.com, rate limits, 2026-11) and as
 * OpenAI's reset header counts: what was not used comes back at the mean rate, up to a window's worth.
 */
export class TokenBucket {
  readonly #capacity: number;
  readonly #perMs: number;
  #left: number;
  #at = 0;

  /** `perMs`: calls in a millisecond, on average. */
  constructor(perMs: number, windowMs: number) {
    this.#capacity = Math.max(1, perMs * windowMs);
    this.#perMs = this.#capacity / windowMs;
    this.#left = this.#capacity;
  }

  /** Takes a call if one is left. `now` never goes back. */
  take(now: number): boolean {
    this.#refill(now);
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }

  /** Calls in a window. */
  get limit(): number {
    return Math.floor(this.#capacity);
  }

  left(now: number): number {
    this.#refill(now);
    return Math.floor(this.#left);
  }

  /** Milliseconds until there is room for one. */
  waitMs(now: number): number {
    this.#refill(now);
    return Math.max(0, (1 - this.#left) / this.#perMs);
  }

  /** Milliseconds until all is back: what providers call the reset. */
  wholeMs(now: number): number {
    this.#refill(now);
    return (this.#capacity - this.#left) / this.#perMs;
  }

  #refill(now: number): void {
    this.#left = Math.min(this.#capacity, this.#left + (now - this.#at) * this.#perMs);
    this.#at = now;
  }
}
