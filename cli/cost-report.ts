import type { LedgerEntry } from "../lambdas/domain/ledger-entry.ts";
import { formatUsd, type PicoUsd } from "../lambdas/domain/money.ts";
import { countText, textTable } from "./report.ts";

/** What costs can be told apart by, and the field of a ledger entry that says it. */
export const COST_KEYS = {
  tenant: "tenantId",
  vertical: "vertical",
  agent: "agentId",
  task: "taskType",
  model: "model",
} as const satisfies Record<string, keyof LedgerEntry>;
export type CostKey = keyof typeof COST_KEYS;

/** Sums of ledger entries; amounts in pico-dollars. `unconfirmed` is the part of `cost` that is an estimate. */
export type CostSum = {
  readonly jobs: number;
  readonly answers: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cost: PicoUsd;
  readonly syncCost: PicoUsd;
  readonly unconfirmed: PicoUsd;
};

export const NO_COST: CostSum = {
  jobs: 0,
  answers: 0,
  inputTokens: 0,
  outputTokens: 0,
  cost: 0n,
  syncCost: 0n,
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
    unconfirmed: sum.unconfirmed + (entry.kind === "unconfirmed" ? cost : 0n),
  };
}

/** Amounts as decimal strings, since JSON numbers lose digits. */
export function costJson({ cost, syncCost, unconfirmed, ...counts }: CostSum) {
  return {
    ...counts,
    costPicoUsd: cost.toString(),
    syncCostPicoUsd: syncCost.toString(),
    savedPicoUsd: (syncCost - cost).toString(),
    unconfirmedPicoUsd: unconfirmed.toString(),
  };
}

/** The sums as a table, dearest first, with the total below. */
export function costTable(by: CostKey, sums: ReadonlyMap<string, CostSum>, total: CostSum): string {
  const dearest = [...sums].toSorted(([a, one], [b, other]) =>
    one.cost === other.cost ? (a < b ? -1 : 1) : one.cost < other.cost ? 1 : -1,
  );
  const numbers = ["jobs", "tokens in", "tokens out", "cost", "at once", "saved", ""];
  return textTable(
    [{ title: by }, ...numbers.map((title) => ({ title, align: "right" as const }))],
    [...dearest, ["total", total] as const].map(([name, sum]) => [
      name,
      countText(sum.jobs),
      countText(sum.inputTokens),
      countText(sum.outputTokens),
      formatUsd(sum.cost),
      formatUsd(sum.syncCost),
      formatUsd(sum.syncCost - sum.cost),
      percentText(sum),
    ]),
  );
}

function percentText({ cost, syncCost }: CostSum): string {
  if (syncCost === 0n) return "-";
  return `${(Number(((syncCost - cost) * 1_000_000n) / syncCost) / 10_000).toFixed(1)}%`;
}
