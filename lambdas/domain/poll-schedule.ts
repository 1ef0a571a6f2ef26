const FIRST_WAIT_SECONDS = 15;
const LONGEST_WAIT_SECONDS = 300;
const GROWTH = 1.3;

/** Seconds to wait after the `polls`-th look at a running batch (0 for the first): 15 s, growing to 5 min. */
export function pollWaitSeconds(polls: number): number {
  return Math.round(Math.min(FIRST_WAIT_SECONDS * GROWTH ** polls, LONGEST_WAIT_SECONDS));
}
