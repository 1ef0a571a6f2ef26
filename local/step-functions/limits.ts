import { type Json, jsonBytes } from "./json.ts";
import { StatesError } from "./states-error.ts";

// https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
export const MAX_PAYLOAD_BYTES = 256 * 1024;
export const MAX_HISTORY_EVENTS = 25_000;
export const MAX_VARIABLES_BYTES = 10 * 1024 * 1024;
/** An inline Map with MaxConcurrency 0 runs at most this many iterations at a time. */
export const INLINE_MAP_CONCURRENCY = 40;
/** An execution's name is taken for this long after it has ended. */
export const NAME_TAKEN_MS = 90 * 24 * 3_600_000;

/** The value, if it fits a payload; otherwise the error `States.DataLimitExceeded`. `what` completes the sentence. */
export function withinPayloadLimit(value: Json, what: string): Json {
  if (jsonBytes(value) <= MAX_PAYLOAD_BYTES) return value;
  throw new StatesError(
    "States.DataLimitExceeded",
    `${what} with a size exceeding the maximum number of bytes service limit.`,
  );
}
