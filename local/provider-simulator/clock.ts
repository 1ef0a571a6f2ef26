/**
 * The time that the simulator lives in. `speed` divides how long a provider takes, never the instants themselves:
 * a batch that took seven minutes takes seven seconds at speed 60, and its timestamps are seven seconds apart.
 */
export interface SimulatorClock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once after `milliseconds`; the returned function takes the call back. */
  schedule(callback: () => void, milliseconds: number): () => void;
}

/** setTimeout takes 32-bit delays; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2_147_483_647;

export const systemClock: SimulatorClock = {
  now: () => Date.now(),
  schedule: (callback, milliseconds) => {
    const timer = setTimeout(callback, Math.min(milliseconds, LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

/** Resolves after `milliseconds`, or as soon as one of the signals aborts. */
export function pause(clock: SimulatorClock, milliseconds: number, signals: AbortSignal[]): Promise<void> {
  if (milliseconds <= 0 || signals.some((signal) => signal.aborted)) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      cancelTimer();
      for (const signal of signals) signal.removeEventListener("abort", finish);
      resolve();
    };
    const cancelTimer = clock.schedule(finish, milliseconds);
    for (const signal of signals) signal.addEventListener("abort", finish, { once: true });
  });
}
