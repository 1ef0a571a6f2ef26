import type { LedgerEntry } from "./ledger-entry.ts";
import type { PicoUsd } from "./money.ts";

/** Sums of ledger entries; amounts in pico-dollars. `unconfirmed` is the part of `cost` that is an estimate. */
export type CostSum = {
  readonly jobs: number;
  readonly answers: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cost: PicoUsd;
  readonly syncCost: PicoUsd;
  /** At once and without routing: with the default models of the aliases that requests named. */
  readonly defaultModelCost: PicoUsd;
  readonly unconfirmed: PicoUsd;
};

export const NO_COST: CostSum = {
  jobs: 0,
  answers: 0,
  inputTokens: 0,
  outputTokens: 0,
  cost: 0n,
  syncCost: 0n,
  defaultModelCost: 0n,
  unconfirmed: 0n,
};

/** The sum with one more entry. Input tokens are all of them, read from a cache or written to one included. */
export function addEntry(sum: CostSum, entry: LedgerEntry): CostSum {
  const { usage } = entry;
  const cost = BigInt(entry.costPicoUsd);
  return {
    jobs: sum.jobs + entry.jobs,
    answers: sum.answers + entry.answers,
    inputTokens:
      sum.inputTokens +
      usage.inputTokens +
      usage.cachedInputTokens +
      usage.cacheWrite5mTokens +
      usage.cacheWrite1hTokens,
    outputTokens: sum.outputTokens + usage.outputTokens,
    cost: sum.cost + cost,
    syncCost: sum.syncCost + BigInt(entry.syncCostPicoUsd),
    defaultModelCost: sum.defaultModelCost + BigInt(entry.defaultModelCostPicoUsd ?? entry.syncCostPicoUsd),
    unconfirmed: sum.unconfirmed + (entry.kind === "unconfirmed" ? cost : 0n),
  };
}

/** The sum of some entries. */
export function sumOf(entries: Iterable<LedgerEntry>): CostSum {
  let sum = NO_COST;
  for (const entry of entries) sum = addEntry(sum, entry);
  return sum;
}
