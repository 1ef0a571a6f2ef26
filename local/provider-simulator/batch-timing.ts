import { drawLogNormal, type Random } from "./seeded-random.ts";

const MEDIAN_SECONDS = 7 * 60;
const NINETIETH_PERCENTILE_SECONDS = 60 * 60;
/** Both providers end a batch after this long. */
const COMPLETION_WINDOW_SECONDS = 24 * 60 * 60;

/** When the phases of one batch end, in milliseconds after it was created. */
export interface BatchTiming {
  readonly validatedMs: number;
  readonly processedMs: number;
  readonly finalizedMs: number;
  readonly windowMs: number;
  /** How long a cancelled batch takes to end. */
  readonly cancellingMs: number;
}

/** Draws one batch's timing; `batchSeconds` fixes its whole length, on which `speed` then has no effect. */
export function drawTiming(random: Random, speed: number, batchSeconds: number | undefined): BatchTiming {
  const drawn = drawLogNormal(random, MEDIAN_SECONDS, NINETIETH_PERCENTILE_SECONDS) / speed;
  const totalMs = (batchSeconds ?? drawn) * 1000;
  return {
    validatedMs: totalMs * 0.05,
    processedMs: totalMs * 0.9,
    finalizedMs: totalMs,
    windowMs: (COMPLETION_WINDOW_SECONDS * 1000) / speed,
    cancellingMs: totalMs * 0.05,
  };
}
