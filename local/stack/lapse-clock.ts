import { TimeOffset } from "../lambda/time-offset.ts";
import { abortReason, type Clock } from "../step-functions/clock.ts";

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

/** Real milliseconds between two looks at what runs. */
const TICK_MS = 5;
/** What one idle look skips. Well below every lease, time-out and period, so that none is passed over unseen. */
const SKIP_MS = 10_000;

/**
 * A clock that runs like the machine's while a function runs and in time lapse (10 s every 5 ms) while none does. The
 * stack keeps every figure that it has in AWS, and yet a lease of 16 minutes that a dead worker left is over within
 * seconds; no live worker ever sees time pass faster than it works, so leases still outlast their holders.
 */
export class LapseClock implements Clock {
  readonly offset = new TimeOffset();
  readonly #timers = new Set<Timer>();
  #ticker: NodeJS.Timeout | undefined;

  now(): number {
    return this.offset.now();
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(abortReason(signal));
    if (ms <= 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#timers.delete(timer);
        reject(abortReason(signal));
      };
      const timer: Timer = {
        at: this.now() + ms,
        fire: () => {
          signal.removeEventListener("abort", abort);
          resolve();
        },
      };
      signal.addEventListener("abort", abort, { once: true });
      this.#timers.add(timer);
    });
  }

  /** Begins to fire timers, and to skip time whenever `idle` says that nothing runs. */
  start(idle: () => boolean): void {
    this.#ticker ??= setInterval(() => {
      if (idle()) this.offset.advance(SKIP_MS);
      this.#fireDue();
    }, TICK_MS);
  }

  /** No timer fires any more; those that wait can still be aborted. */
  stop(): void {
    clearInterval(this.#ticker);
  }

  #fireDue(): void {
    const now = this.now();
    const due = [...this.#timers].filter(({ at }) => at <= now).toSorted((a, b) => a.at - b.at);
    for (const timer of due) {
      this.#timers.delete(timer);
      timer.fire();
    }
  }
}
