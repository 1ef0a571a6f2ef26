import { type LaneTerms, ratesOf } from "./choose-lane.ts";
import { type DoneWithin, priorEstimate } from "./completion-times.ts";
import type { EscalationPace } from "./cut-offs.ts";
import { FLEX_AGAIN } from "./flex-again.ts";
import type { Group } from "./group.ts";
import { queueKey } from "./headroom.ts";
import type { Instant } from "./instant.ts";
import { findPrice } from "./prices.ts";

/** What a window needs beside its batches' limits to weigh lanes. Without it, everything waits for a batch. */
export type LaneSettings = {
  /** The pace at which jobs can leave a batch: as the escalation has it. */
  readonly pace: EscalationPace;
  /** Milliseconds between two windows. */
  readonly windowMs: number;
  /** Multiplies the times that are built in: below 1 where the stage runs faster than the clock. */
  readonly timeFactor: number;
  /** The chance, from 0 to 1, that a flex call is refused. */
  readonly flexRefusal: number;
  /** What a batch costs us whatever it holds, in pico-dollars; `BATCH_FIXED_PICO_USD` where it is left out. */
  readonly batchFixedPicoUsd?: number;
};

/** What the choices of one group are made by. */
export type GroupTerms = LaneTerms & { readonly batchFixedPicoUsd: number };

/**
 * What one RunBatch costs us, in pico-dollars: some 35 state transitions at $25 a million, and little else (counted:
 * docs/costs.md).
 */
const BATCH_FIXED_PICO_USD = 1e9;

/** Five minutes of a function with 512 MB that waits for ten calls at a time, at $0.0000133334 a GB-second, for one. */
const FLEX_WAIT_PICO_USD = 2e8;

/** Of a batch that is left when it is late and then cancelled, about a third of the lines are done, and billed. */
const LATE_BILLED = 0.3;

/** From the plan to the provider: writing, uploading and creating take a minute or less. */
const START_MS = 60_000;

/** The terms of a group's model in a window; undefined for one without a price in the lanes batch and sync. */
export function termsOf(
  group: Group,
  estimates: ReadonlyMap<string, DoneWithin>,
  { pace, timeFactor, flexRefusal, batchFixedPicoUsd = BATCH_FIXED_PICO_USD }: LaneSettings,
  now: Instant,
): GroupTerms | undefined {
  const { model } = group;
  const [batch, sync] = [findPrice(model, "batch", now), findPrice(model, "sync", now)];
  if (!batch || !sync) return undefined;
  return {
    rates: ratesOf(batch, sync, findPrice(model, "flex", now)),
    doneWithin: estimates.get(queueKey(group)) ?? priorEstimate(timeFactor),
    startMs: START_MS * timeFactor,
    flexRefusal,
    flexAgain: FLEX_AGAIN,
    flexWaitPicoUsd: FLEX_WAIT_PICO_USD,
    lateBilled: LATE_BILLED,
    batchFixedPicoUsd,
    pace,
  };
}
