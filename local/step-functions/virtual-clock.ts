import { abortReason, type Clock } from "./clock.ts";

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

/**
 * A clock for simulations: time stands still while anything can run and then jumps to the next timer, so a day of
 * waits takes milliseconds. Timers fire in order of time, and in order of creation at the same time, one at a
 * time, which makes a run with seeded inputs repeatable. Work that does real I/O has to be announced by
 * `during`, or time passes while it is under way.
 */
export class VirtualClock implements Clock {
  #now: number;
  #timers: Timer[] = [];
  #busy = new Set<Promise<unknown>>();

  /** Starts at `start`, in milliseconds since the epoch. */
  constructor(start: number) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(abortReason(signal));
    if (ms <= 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#timers = this.#timers.filter((other) => other !== timer);
        reject(abortReason(signal));
      };
      const timer: Timer = {
        at: this.#now + ms,
        fire: () => {
          signal.removeEventListener("abort", abort);
          resolve();
        },
      };
      signal.addEventListener("abort", abort, { once: true });
      this.#insert(timer);
    });
  }

  /** Keeps time still until `work`, which may wait for something outside this process's microtasks, settles. */
  during<T>(work: Promise<T>): Promise<T> {
    this.#busy.add(work);
    return work.finally(() => this.#busy.delete(work));
  }

  /**
   * Runs until nothing is left to do or the next timer lies after `until` (milliseconds since the epoch), at which
   * the clock then stands. Returns false when it ran dry before `until`.
   */
  async runUntil(until: number): Promise<boolean> {
    for (;;) {
      await this.#settle();
      const next = this.#timers[0];
      if (next === undefined) return false;
      if (next.at > until) {
        this.#now = Math.max(this.#now, until);
        return true;
      }
      this.#timers.shift();
      this.#now = next.at;
      next.fire();
    }
  }

  /** Runs until `result` settles; throws when nothing is left that could settle it. */
  async runUntilSettled<T>(result: Promise<T>): Promise<T> {
    let settled = false;
    const mark = (): void => void (settled = true);
    result.then(mark, mark);
    for (;;) {
      await this.#settle();
      if (settled) return result;
      const next = this.#timers.shift();
      if (next === undefined) throw new Error("nothing is left to run and the result is still pending");
      this.#now = next.at;
      next.fire();
    }
  }

  #insert(timer: Timer): void {
    const index = this.#timers.findIndex((other) => other.at > timer.at);
    this.#timers.splice(index === -1 ? this.#timers.length : index, 0, timer);
  }

  /** All promise reactions have run once a macrotask comes round; announced work may then still be pending. */
  async #settle(): Promise<void> {
    await macrotask();
    while (this.#busy.size > 0) {
      await Promise.race([...this.#busy].map((work) => work.catch(() => undefined)));
      await macrotask();
    }
  }
}

function macrotask(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
