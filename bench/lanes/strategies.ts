import { findPrice } from "../../lambdas/domain/prices.ts";
import { costOf } from "../../lambdas/domain/cost.ts";
import type { Lane } from "../../lambdas/domain/vocabulary.ts";
import { DAY, HOUR, MINUTE } from "../../test/simulation/simulation-clock.ts";
import { type BenchJob, meanLoad, START } from "./arrivals.ts";
import { Allowance } from "./allowance.ts";
import { type Fate, FLEX_LOAD } from "./scenarios.ts";

/** What every job uses: equal cost a job. */
export const MODEL = "gpt-5-mini";
export const USAGE = {
  inputTokens: 40,
  cachedInputTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 750,
  reasoningTokens: 0,
};
const WINDOW = 5 * MINUTE;

export function jobCost(lane: Lane): bigint {
  const row = findPrice(MODEL, lane, START);
  if (row === undefined) throw new Error(`${MODEL} has no price in lane ${lane}`);
  return costOf(USAGE, row);
}

/** What became of one job: when its result came, what it cost, and how much of that was premium. */
type JobOutcome = { readonly doneAt: number; readonly cost: bigint; readonly premium: bigint };

export type Strategy = {
  readonly name: string;
  readonly run: (jobs: readonly BenchJob[], fate: Fate) => JobOutcome[];
};

const plain = (doneAt: number, lane: Lane): JobOutcome => ({ doneAt, cost: jobCost(lane), premium: 0n });

const alwaysSync: Strategy = {
  name: "always sync",
  run: (jobs, fate) => jobs.map(({ at, number }) => plain(at + fate.syncMs(number), "sync")),
};

const alwaysBatch: Strategy = {
  name: "always batch",
  run: (jobs, fate) => jobs.map(({ at }) => plain(fate.batchDone(nextWindow(at, WINDOW), 0), "batch")),
};

/** What many teams write first: one batch each night for what can wait, the rest at once. */
const nightlyCron: Strategy = {
  name: "nightly cron",
  run: (jobs, fate) =>
    jobs.map(({ at, tier, number }) =>
      tier === "critical" || tier === "high"
        ? plain(at + fate.syncMs(number), "sync")
        : plain(fate.batchDone(nextWindow(at - 2 * HOUR, DAY) + 2 * HOUR, 0), "batch"),
    ),
};

/**
 * Knows every time beforehand: takes a batch of any window that will be done in time, else flex where it will not be
 * refused, else sync; and of two sync calls the one that will be in time.
 */
const oracle: Strategy = {
  name: "oracle",
  run: (jobs, fate) => {
    const flexLeft = new Allowance(FLEX_LOAD * meanLoad(jobs.length), HOUR);
    const doneOf = new Map<number, number>();
    const windowDone = (window: number): number => {
      const known = doneOf.get(window) ?? fate.batchDone(window, 0);
      doneOf.set(window, known);
      return known;
    };
    return jobs.map(({ at, due, tier, number }) => {
      if (tier === "normal" || tier === "low") {
        for (let window = nextWindow(at, WINDOW); window < due; window += WINDOW)
          if (!fate.isOut(window) && windowDone(window) <= due) return plain(windowDone(window), "batch");
        for (let tried = 0; tried < 10; tried += 1) {
          const ms = fate.flexMs(number * 10 + tried);
          if (ms !== null && at + ms <= due && flexLeft.take(at)) return plain(at + ms, "flex");
        }
      }
      const quickest = Math.min(fate.syncMs(number), fate.syncMs(jobs.length + number));
      return plain(at + (at + fate.syncMs(number) <= due ? fate.syncMs(number) : quickest), "sync");
    });
  },
};

export const STRATEGIES: readonly Strategy[] = [alwaysSync, alwaysBatch, nightlyCron, oracle];

function nextWindow(at: number, period: number): number {
  return Math.ceil(at / period) * period;
}
