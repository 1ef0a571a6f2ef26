import type { BatchTime } from "./batch-time.ts";
import type { Instant } from "./instant.ts";
import { logNormalSurvival } from "./log-normal.ts";

/** How likely a batch that is sent now is done within so many milliseconds: from 0 to 1, never falling. */
export type DoneWithin = (ms: number) => number;

/** What is known of a provider account's batches. */
export type BatchesSeen = {
  /** Those that came to an end; one that was cut off counts as not done until then (right-censored). */
  readonly times: readonly BatchTime[];
  /** Those that are not over. They were planned a minute or so before they were sent, and count from then. */
  readonly open: readonly { readonly model: string; readonly plannedAt: Instant }[];
};

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Before anything is seen: half of the batches are done in 10 minutes, 90 % within an hour. */
const PRIOR_MEDIAN_MS = 10 * MINUTE_MS;
const Z90 = 1.281_552;
const PRIOR_SIGMA = Math.log(6) / Z90;
/** The prior counts for as much as so many batches that were seen. */
const PRIOR_BATCHES = 20;
/** A batch of another model of the account counts for so much of one: they share the provider's troubles. */
const OTHER_MODEL = 0.25;
/** After a day, a batch counts half. */
const HALF_LIFE_MS = 24 * HOUR_MS;

/** Where the hazard may change: from a quarter of a minute to two days, each step an eighth longer than the one before. */
const STEPS_MS: readonly number[] = Array.from({ length: 80 }, (_, step) => 15_000 * 1.125 ** step);

/** For so long back we look whether batches end as often as they should, at those no older than is usual. */
const LOOK_BACK_MS = 30 * MINUTE_MS;
const USUAL_AGE_MS = HOUR_MS;
/** A slack time is taken to last so long at most. */
const SLACK_LASTS_MS = 6 * HOUR_MS;

type Seen = {
  readonly weight: number;
  readonly start: Instant;
  readonly end: Instant;
  readonly isWhole: boolean;
};

/**
 * The times of an account's batches of a model, as a Kaplan-Meier estimate in which a log-normal prior stands for some
 * batches more. Where fewer batches ended of late than these times promise, all of them are expected to be slower for the
 * next hours: an outage shows long before its batches end. `timeFactor` multiplies every time that is built in here, for
 * stages that run faster than the clock.
 */
export function completionEstimate(
  { times, open }: BatchesSeen,
  model: string,
  now: Instant,
  timeFactor = 1,
): DoneWithin {
  const weightOf = (batch: { readonly model: string }) => (batch.model === model ? 1 : OTHER_MODEL);
  const seen: Seen[] = [
    ...times
      .filter(({ submittedAt, endedAt }) => submittedAt <= endedAt && endedAt <= now)
      .map((time) => ({
        weight: weightOf(time) * 2 ** ((time.endedAt - now) / (HALF_LIFE_MS * timeFactor)),
        start: time.submittedAt,
        end: time.endedAt,
        isWhole: time.isWhole,
      })),
    ...open
      .filter(({ plannedAt }) => plannedAt <= now)
      .map((batch) => ({ weight: weightOf(batch), start: batch.plannedAt, end: now, isWhole: false })),
  ];
  const hazardBy = cumulativeHazard(seen, timeFactor);
  const pace = recentPace(seen, hazardBy, now, timeFactor);
  const slackMs = SLACK_LASTS_MS * timeFactor;
  return (ms) => {
    if (!(ms > 0)) return 0;
    const slowed = pace === 1 ? 0 : hazardBy(Math.min(ms, slackMs)) * (1 - pace);
    return Math.min(1, Math.max(0, 1 - Math.exp(slowed - hazardBy(ms))));
  };
}

/** The estimate while nothing was seen. */
export function priorEstimate(timeFactor = 1): DoneWithin {
  return completionEstimate({ times: [], open: [] }, "", 0, timeFactor);
}

type HazardBy = (ms: number) => number;

/** Cumulative hazard by age: within a step it grows as the prior's does, so that without a batch it is the prior's. */
function cumulativeHazard(seen: readonly Seen[], timeFactor: number): HazardBy {
  const steps = STEPS_MS.map((ms) => ms * timeFactor);
  const survival = (ms: number) => logNormalSurvival(ms, PRIOR_MEDIAN_MS * timeFactor, PRIOR_SIGMA);
  const priorBy = (ms: number) => -Math.log(Math.max(survival(ms), Number.MIN_VALUE));
  const priors = steps.map(priorBy);
  const { done, left } = countBySteps(seen, steps);
  const sums = [0];
  // Backwards through the counts: at risk in a step is whatever ends in it or later.
  let atRisk = left.reduce((sum, weight, step) => sum + weight + (done[step] ?? 0), 0);
  for (const [step, end] of steps.entries()) {
    const before = survival(steps[step - 1] ?? 0);
    const ended = done[step] ?? 0;
    const cutOff = left[step] ?? 0;
    const risked = PRIOR_BATCHES * before + Math.max(0, atRisk - cutOff / 2);
    const share = Math.min((PRIOR_BATCHES * (before - survival(end)) + ended) / risked, 1 - 1e-9);
    sums.push((sums.at(-1) ?? 0) - Math.log1p(-Math.max(0, share)));
    atRisk -= ended + cutOff;
  }
  return (ms) => {
    const step = firstAtLeast(steps, ms);
    const from = priors[step - 1] ?? 0;
    const sum = sums[step] ?? 0;
    const end = priors[step];
    if (end === undefined) return sum + priorBy(ms) - from;
    const part = (priorBy(ms) - from) / (end - from);
    return sum + part * ((sums[step + 1] ?? sum) - sum);
  };
}

/** Weights of the batches that were done, and of those that were left, by the step of their age; the last is everything older. */
function countBySteps(seen: readonly Seen[], steps: readonly number[]) {
  const done = Array.from({ length: steps.length + 1 }, () => 0);
  const left = Array.from({ length: steps.length + 1 }, () => 0);
  for (const { weight, start, end, isWhole } of seen) {
    const counts = isWhole ? done : left;
    const step = firstAtLeast(steps, end - start);
    counts[step] = (counts[step] ?? 0) + weight;
  }
  return { done, left };
}

/**
 * How fast batches end of late, as a share of what their times promise, at most 1: taken at the upper end of what chance
 * allows, so that a few slow ones change nothing.
 */
function recentPace(seen: readonly Seen[], hazardBy: HazardBy, now: Instant, timeFactor: number): number {
  const since = now - LOOK_BACK_MS * timeFactor;
  const usual = USUAL_AGE_MS * timeFactor;
  let ended = 0;
  let promised = 0;
  for (const { weight, start, end, isWhole } of seen) {
    if (end < since) continue;
    const from = Math.min(usual, Math.max(0, since - start));
    const until = Math.min(usual, end - start);
    promised += weight * (hazardBy(until) - hazardBy(from));
    if (isWhole && end - start <= usual) ended += weight;
  }
  return Math.min(1, (1 + ended + 1.6 * Math.sqrt(ended + 1)) / (1 + promised));
}

/** The index of the first of ascending numbers that is at least `value`; their count when none is. */
function firstAtLeast(ascending: readonly number[], value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? Infinity) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
