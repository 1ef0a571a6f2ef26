/** What the simulated cloud does by itself, by the name it is counted under. */
export const WORLD_FAULTS = [
  "execution aborted",
  "function called twice at once",
  "function throttled by Lambda",
  "function timed out",
  "message delivered again after its deletion",
  "message moved to a dead-letter queue by SQS",
  "old call run again later",
  "worker goes on after its time-out",
] as const;
