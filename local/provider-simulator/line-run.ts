import { pause, type SimulatorClock } from "./clock.ts";

/** A slice of work ends after this long, so that the server keeps answering while a large batch is computed. */
const SLICE_MS = 12;
/** How often a running batch wakes up, at most, over its whole processing time. */
const WAKE_UPS = 50;

/** Gives the event loop its turn between slices of long work. */
export class WorkSlices {
  #sliceEnd = performance.now() + SLICE_MS;

  async yieldWhenDue(): Promise<void> {
    if (performance.now() <= this.#sliceEnd) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#sliceEnd = performance.now() + SLICE_MS;
  }
}

export interface LineRun {
  readonly clock: SimulatorClock;
  readonly lines: AsyncIterable<string>;
  readonly total: number;
  /** Lines fall due evenly between these instants, the last one at the end. */
  readonly startsAt: number;
  readonly endsAt: number;
  /** The instant at which the batch's window closes. */
  readonly expiresAt: number;
  /** The window closes, too, when so many lines are done. */
  readonly expireAfterLines: number | undefined;
  /** No further line is done after so many. */
  readonly stuckAfterLines: number | undefined;
  readonly cancelled: AbortSignal;
  readonly closed: AbortSignal;
  handle(line: string, index: number): Promise<void>;
}

/** What can end a phase of a batch before its time. */
export type PhaseLimits = Pick<LineRun, "clock" | "expiresAt" | "cancelled" | "closed">;

export type LineRunEnding = "finished" | "expired" | "cancelled" | "closed";

/**
 * Handles lines one by one as they fall due, until all are done, the window closes, or somebody stops the batch. Lines
 * that fall due within the window are done, however late the clock lets us look.
 */
export async function runLines(run: LineRun): Promise<LineRunEnding> {
  let done = 0;
  const slices = new WorkSlices();
  for await (const line of run.lines) {
    if (done === run.expireAfterLines) return "expired";
    if (done === run.stuckAfterLines) return waitOutPhase(run, run.expiresAt, true);
    const dueAt = run.startsAt + ((run.endsAt - run.startsAt) * (done + 1)) / run.total;
    const ending = await waitUntil(run, dueAt, (run.endsAt - run.startsAt) / WAKE_UPS);
    if (ending !== "finished") return ending;
    await run.handle(line, done);
    done += 1;
    await slices.yieldWhenDue();
  }
  return done === run.expireAfterLines ? "expired" : "finished";
}

/** Waits until `endsAt`; says whether the batch was stopped or expired meanwhile. A stuck batch waits for its expiry. */
export function waitOutPhase(run: PhaseLimits, endsAt: number, isStuck: boolean): Promise<LineRunEnding> {
  return waitUntil(run, isStuck ? Number.POSITIVE_INFINITY : endsAt, 0);
}

/** Sleeps for at least `leastPauseMs` at a time, which may be past `instant` but never past the expiry. */
async function waitUntil(run: PhaseLimits, instant: number, leastPauseMs: number): Promise<LineRunEnding> {
  for (;;) {
    if (run.closed.aborted) return "closed";
    if (run.cancelled.aborted) return "cancelled";
    const now = run.clock.now();
    if (now >= instant && instant <= run.expiresAt) return "finished";
    if (now >= run.expiresAt) return "expired";
    const wait = Math.max(instant - now, leastPauseMs);
    await pause(run.clock, Math.min(wait, run.expiresAt - now), [run.cancelled, run.closed]);
  }
}
