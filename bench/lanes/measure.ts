import { type Tier, TIERS } from "../../lambdas/domain/vocabulary.ts";
import type { Stage } from "../../test/simulation/stage.ts";
import { type BenchJob, DAYS, drawArrivals, START } from "./arrivals.ts";
import { type OffpeakWeek, runOffpeak } from "./offpeak.ts";
import { Fate, type Scenario } from "./scenarios.ts";
import { jobCost, STRATEGIES } from "./strategies.ts";

/** One strategy in one scenario. Shares are from 0 to 1. */
export type Row = {
  readonly scenario: string;
  readonly strategy: string;
  readonly costUsd: number;
  /** Of what everything costs at once. */
  readonly savedShare: number;
  /** Of what the oracle saves. */
  readonly oracleShare: number;
  readonly deadlinesMet: Readonly<Record<Tier, number>>;
  /** Seconds after its due time at which a job's result came, 0 where it came in time. */
  readonly p50LatenessSeconds: number;
  readonly p99LatenessSeconds: number;
  readonly premiumUsd: number;
};

export type Measured = { readonly rows: readonly Row[]; readonly week: Omit<OffpeakWeek, "doneAt"> };

const PICO = 1e12;

/** Every strategy in a scenario, on the same arrivals and the same providers. */
export async function measure(
  stage: Stage,
  scenario: Scenario,
  { seed, count }: { readonly seed: number; readonly count: number },
  progress: (done: number) => void,
): Promise<Measured> {
  const jobs = drawArrivals(seed, count);
  const fate = new Fate(scenario, seed, START, DAYS);
  const outcomes = STRATEGIES.map(({ name, run }) => {
    const done = run(jobs, fate);
    const cost = done.reduce((sum, job) => sum + job.cost, 0n);
    return { name, doneAt: done.map(({ doneAt }) => doneAt), cost, premium: 0n };
  });
  const { doneAt, ...week } = await runOffpeak(stage, jobs, fate, seed, progress);
  outcomes.push({
    name: "Offpeak",
    doneAt: [...doneAt],
    cost: week.costPicoUsd,
    premium: week.premiumPicoUsd,
  });
  const sync = Number(jobCost("sync")) * jobs.length;
  const saved = (cost: bigint) => 1 - Number(cost) / sync;
  const best = saved(outcomes.find(({ name }) => name === "oracle")?.cost ?? 0n);
  const rows = outcomes.map(({ name, doneAt, cost, premium }) => ({
    scenario: scenario.name,
    strategy: name,
    costUsd: Number(cost) / PICO,
    savedShare: saved(cost),
    oracleShare: saved(cost) / best,
    ...lateness(jobs, doneAt),
    premiumUsd: Number(premium) / PICO,
  }));
  return { rows, week };
}

function lateness(
  jobs: readonly BenchJob[],
  doneAt: readonly number[],
): Pick<Row, "deadlinesMet" | "p50LatenessSeconds" | "p99LatenessSeconds"> {
  const late = jobs.map(({ number, due, tier }) => ({
    tier,
    by: Math.max(0, (doneAt[number] ?? Infinity) - due),
  }));
  const met = (tier: Tier) => {
    const own = late.filter((job) => job.tier === tier);
    return own.filter(({ by }) => by === 0).length / Math.max(1, own.length);
  };
  const sorted = late.map(({ by }) => by / 1000).toSorted((a, b) => a - b);
  const quantile = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return {
    deadlinesMet: Object.fromEntries(TIERS.map((tier) => [tier, met(tier)])) as Record<Tier, number>,
    p50LatenessSeconds: quantile(0.5),
    p99LatenessSeconds: quantile(0.99),
  };
}
