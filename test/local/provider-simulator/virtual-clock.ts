import type { SimulatorClock } from "../../../local/provider-simulator/clock.ts";

/** A clock that stands still until the test moves it. */
export class VirtualClock implements SimulatorClock {
  #now = Date.UTC(2026, 10, 21, 12, 0, 0);
  readonly #timers = new Set<{ at: number; callback: () => void }>();

  now(): number {
    return this.#now;
  }

  /** How many timers wait for the clock to move. */
  get waiting(): number {
    return this.#timers.size;
  }

  schedule(callback: () => void, milliseconds: number): () => void {
    const timer = { at: this.#now + milliseconds, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
    for (const timer of [...this.#timers].filter(({ at }) => at <= this.#now)) {
      this.#timers.delete(timer);
      timer.callback();
    }
  }
}
