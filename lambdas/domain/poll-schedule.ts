const FIRST_WAIT_SECONDS = 15;
const LONGEST_WAIT_SECONDS = 300;
const GROWTH = 1.3;
/** Looks at the longest wait, three hours of them, after which a batch is in no hurry. */
const PATIENT_AFTER_POLLS = 48;
const PATIENT_WAIT_SECONDS = 900;

/** Seconds to wait after the `polls`-th look at a running batch (0 for the first): 15 s, growing to 5 min, later 15 min. */
export function pollWaitSeconds(polls: number): number {
  if (polls >= PATIENT_AFTER_POLLS) return PATIENT_WAIT_SECONDS;
  return Math.round(Math.min(FIRST_WAIT_SECONDS * GROWTH ** polls, LONGEST_WAIT_SECONDS));
}
