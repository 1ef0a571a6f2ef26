import type { Tier } from "../../lambdas/domain/vocabulary.ts";
import { Random } from "../../test/simulation/random.ts";
import { DAY, HOUR } from "../../test/simulation/simulation-clock.ts";

export type BenchJob = {
  readonly number: number;
  readonly tenant: number;
  readonly tier: Tier;
  /** When it is sent, and when its answer is due. */
  readonly at: number;
  readonly due: number;
};

export const DAYS = 7;
export const TENANTS = 20;
export const START = Date.UTC(2026, 10, 23);
const DUE_MS: Readonly<Record<Tier, number>> = { critical: 5000, high: 60_000, normal: HOUR, low: DAY };

/** Of the spend, and, as every job costs the same, of the jobs. */
const MIX: readonly (readonly [Tier, number])[] = [
  ["critical", 0.2],
  ["high", 0.45],
  ["normal", 0.75],
  ["low", 1],
];

/** Jobs over a week, in order: more by day than by night, by tenants of unequal size. */
export function drawArrivals(seed: number, count: number): BenchJob[] {
  const random = new Random(seed).stream("arrivals");
  const jobs: Omit<BenchJob, "number">[] = [];
  while (jobs.length < count) {
    const at = START + Math.floor(random.next() * DAYS * DAY);
    if (!random.chance(loadAt(at) / BUSIEST)) continue;
    // The mix is exact, so that what can be saved at most is, too.
    const place = (jobs.length + 0.5) / count;
    const tier = MIX.find(([, until]) => place < until)?.[0] ?? "low";
    jobs.push({ tenant: Math.floor(TENANTS * random.next() ** 2), tier, at, due: at + DUE_MS[tier] });
  }
  return jobs.toSorted((a, b) => a.at - b.at).map((job, number) => ({ number, ...job }));
}

const BUSIEST = 1.6;

/** Relative to the mean: a day's curve with its peak in the afternoon. */
function loadAt(at: number): number {
  const hour = (at % DAY) / HOUR;
  return 1 + 0.6 * Math.sin(((hour - 9) / 24) * 2 * Math.PI);
}

/** Jobs in a millisecond, on average. */
export function meanLoad(count: number): number {
  return count / (DAYS * DAY);
}
