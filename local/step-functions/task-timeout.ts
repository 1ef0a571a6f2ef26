import { type Clock, unlessAborted } from "./clock.ts";
import { StatesError } from "./states-error.ts";

/** What the call resolves to, or `States.Timeout` after the seconds; the call is told by its signal, and left alone. */
export async function withinSeconds<T>(
  clock: Clock,
  seconds: number | undefined,
  outer: AbortSignal,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (seconds === undefined) return unlessAborted(call(outer), outer);
  const over = new AbortController();
  const signal = AbortSignal.any([outer, over.signal]);
  const timeout = clock.sleep(seconds * 1000, signal).then((): never => {
    throw new StatesError("States.Timeout", `The task did not end within ${seconds} seconds.`);
  });
  try {
    return await Promise.race([unlessAborted(call(signal), outer), timeout]);
  } finally {
    over.abort();
  }
}
