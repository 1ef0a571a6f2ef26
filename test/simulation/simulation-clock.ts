import { abortReason, type Clock } from "../../local/step-functions/clock.ts";

type Timer = { readonly at: number; readonly order: number; readonly fire: () => void; cancelled: boolean };

const TURNS_IN_A_ROUND = 64;

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/**
 * Time of a simulated world: it stands still while anything can run and then jumps to the next timer. As the
 * interpreter's own virtual clock, but with a heap, since a run has hundreds of timers at a time, and with readings that
 * never repeat.
 */
export class SimulationClock implements Clock {
  #now: number;
  #lastReading = 0;
  #orders = 0;
  readonly #heap: Timer[] = [];

  /** Starts at `start`, in milliseconds since the epoch. */
  constructor(start: number) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  /** The time as a worker sees it: no two looks show the same, so that what is made from `now` shows. */
  reading(): number {
    this.#lastReading = Math.max(this.#now, this.#lastReading + 1);
    return this.#lastReading;
  }

  /** Runs `fire` after `ms` milliseconds; returns what takes that back. */
  after(ms: number, fire: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), order: (this.#orders += 1), fire, cancelled: false };
    this.#push(timer);
    return () => {
      timer.cancelled = true;
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(abortReason(signal));
    if (ms <= 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const cancel = this.after(ms, () => {
        signal?.removeEventListener("abort", abort);
        resolve();
      });
      const abort = (): void => {
        cancel();
        if (signal) reject(abortReason(signal));
      };
      signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /** Runs until `done` says so, or nothing is left to do; returns which. Everything that can run has run when it asks. */
  run(done: () => boolean): Promise<"done" | "dry"> {
    return new Promise((resolve, reject) => {
      let over: "done" | "dry" | null = null;
      const turn = (): void => {
        if (done()) over = "done";
        const next = over === null ? this.#next() : undefined;
        if (next === undefined) return resolve((over ??= "dry"));
        this.#now = next.at;
        next.fire();
      };
      // Many at once: everything that can run does so between two of them, and a round of the event loop for each of the
      // thousands of turns would cost more than what is done in them.
      let asked = 0;
      const guarded = (): void => {
        asked -= 1;
        if (over !== null) return;
        try {
          turn();
        } catch (error) {
          over = "done";
          reject(error);
        }
        if (asked === 0) ask();
      };
      const ask = (): void => {
        for (; asked < TURNS_IN_A_ROUND; asked += 1) setImmediate(guarded);
      };
      ask();
    });
  }

  #next(): Timer | undefined {
    for (;;) {
      const timer = this.#pop();
      if (timer === undefined || !timer.cancelled) return timer;
    }
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let place = heap.length;
    heap.push(timer);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, timer)) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = timer;
  }

  #pop(): Timer | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let place = 0;
    for (;;) {
      const [left, right] = [heap[2 * place + 1], heap[2 * place + 2]];
      const child = left !== undefined && right !== undefined && isBefore(right, left) ? right : left;
      if (child === undefined || isBefore(last, child)) break;
      heap[place] = child;
      place = child === left ? 2 * place + 1 : 2 * place + 2;
    }
    heap[place] = last;
    return first;
  }
}

/** Timers of the same moment fire in the order in which they were set. */
function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
