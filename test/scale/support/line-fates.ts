/**
 * What becomes of a request at the provider. `repeated`: its answer stands in the output twice; `contradicted`: an error
 * says that it failed, an answer that it did not; `garbage`: half a line.
 */
export type LineFate =
  | "answered"
  | "repeated"
  | "contradicted"
  | "refused"
  | "throttled"
  | "missing"
  | "garbage";

/** Shares of the requests; the rest is answered. */
const SHARES: readonly (readonly [LineFate, number])[] = [
  ["repeated", 0.01],
  ["contradicted", 0.005],
  ["refused", 0.01],
  ["throttled", 0.01],
  ["missing", 0.005],
  ["garbage", 0.005],
];

/** The fate of a request that drew this number, from 0 up to 1. */
export function fateOf(draw: number): LineFate {
  let end = 0;
  for (const [fate, share] of SHARES) {
    end += share;
    if (draw < end) return fate;
  }
  return "answered";
}

/** What the gateway must make of it: the job's end, or another try. */
export const OUTCOME_OF_FATE: Readonly<Record<LineFate, "succeeded" | "failed" | "tried again">> = {
  answered: "succeeded",
  repeated: "succeeded",
  contradicted: "succeeded",
  refused: "failed",
  throttled: "tried again",
  missing: "tried again",
  garbage: "tried again",
};
