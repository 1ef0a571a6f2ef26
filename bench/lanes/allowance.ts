/** So many calls in any window of time as a mean rate allows: what a provider's rate limit counts. */
export class Allowance {
  readonly #most: number;
  readonly #windowMs: number;
  readonly #taken: number[] = [];

  /** `perMs`: calls in a millisecond, on average. */
  constructor(perMs: number, windowMs: number) {
    this.#most = Math.max(1, perMs * windowMs);
    this.#windowMs = windowMs;
  }

  /** Takes a call if the window before `now` has room for it. `now` never goes back. */
  take(now: number): boolean {
    this.#forget(now);
    if (this.#taken.length + 1 > this.#most) return false;
    this.#taken.push(now);
    return true;
  }

  /** Calls in a window. */
  get limit(): number {
    return Math.floor(this.#most);
  }

  left(now: number): number {
    this.#forget(now);
    return Math.floor(this.#most - this.#taken.length);
  }

  /** Milliseconds until there is room again. */
  waitMs(now: number): number {
    const [first] = this.#taken;
    return first === undefined ? 0 : Math.max(0, first + this.#windowMs - now);
  }

  /** Milliseconds until nothing is taken any more: what providers call the reset. */
  wholeMs(now: number): number {
    const last = this.#taken.at(-1);
    return last === undefined ? 0 : Math.max(0, last + this.#windowMs - now);
  }

  #forget(now: number): void {
    while (this.#taken[0] !== undefined && this.#taken[0] <= now - this.#windowMs) this.#taken.shift();
  }
}
