import type { Instant } from "./instant.ts";

/**
 * A look is three state transitions, $0.000075, and looks are most of what AWS bills for a batch. Half of all batches take
 * more than seven minutes (OpenRouter): looks after 1, 2½, 5 and 8 minutes find such a one for half of what those from 15 s
 * on would cost.
 */
const FIRST_WAIT_SECONDS = 60;
const GROWTH = 1.5;
const LONGEST_WAIT_SECONDS = 300;
/** However soon the next time is that a batch has to be looked at for sure. */
const LEAST_WAIT_SECONDS = 15;
/** Looks at the longest wait, three hours of them, after which a batch is in no hurry. */
const PATIENT_AFTER_POLLS = 48;
const PATIENT_WAIT_SECONDS = 900;
const STOPPING_WAIT_SECONDS = 60;

/** A batch that has ended shortly before its jobs would leave it is collected before they do. */
const LOOK_BEFORE_MS = 60_000;
/** Jobs leave within a minute after their cut-off: a batch that nobody waits for then is to bill no more than it must. */
const LOOK_AFTER_MS = 75_000;

/** Seconds to wait after the `polls`-th look at a running batch (0 for the first): 1 min, growing to 5 min, later 15 min. */
function backOffSeconds(polls: number): number {
  if (polls >= PATIENT_AFTER_POLLS) return PATIENT_WAIT_SECONDS;
  return Math.round(Math.min(FIRST_WAIT_SECONDS * GROWTH ** polls, LONGEST_WAIT_SECONDS));
}

/** When a batch has to be looked at for sure. */
export type Looks = {
  /** When jobs leave it. */
  readonly cutOffs: readonly Instant[];
  /** When it is stopped if it is not done. */
  readonly stopAt: Instant | null;
  /** It was asked to stop: what it has not done waits for that, and has little time. */
  readonly isStopping: boolean;
};

/**
 * Whole seconds to wait after the `polls`-th look at a running batch (0 for the first): 1 min, growing to 5 min, later 15 min,
 * or less where it is to be stopped, is stopping, or jobs are about to leave it or have just left it, but not below 15 s.
 */
export function pollWaitSeconds(polls: number, { cutOffs, stopAt, isStopping }: Looks, now: Instant): number {
  const leaving = cutOffs.flatMap((at) => [at - LOOK_BEFORE_MS, at + LOOK_AFTER_MS]);
  const looks = (stopAt === null ? leaving : [stopAt, ...leaving]).filter((at) => at > now);
  const untilLook = Math.ceil((Math.min(...looks) - now) / 1000);
  const longest = isStopping ? Math.min(STOPPING_WAIT_SECONDS, backOffSeconds(polls)) : backOffSeconds(polls);
  return Math.min(longest, Math.max(untilLook, LEAST_WAIT_SECONDS));
}
