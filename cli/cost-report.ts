import type { LedgerEntry } from "../lambdas/domain/ledger-entry.ts";
import type { CostSum } from "../lambdas/domain/ledger-sum.ts";
import { formatUsd } from "../lambdas/domain/money.ts";
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

/** Amounts as decimal strings, since JSON numbers lose digits. */
export function costJson({ cost, syncCost, defaultModelCost, unconfirmed, ...counts }: CostSum) {
  return {
    ...counts,
    costPicoUsd: cost.toString(),
    syncCostPicoUsd: syncCost.toString(),
    savedPicoUsd: (syncCost - cost).toString(),
    defaultModelCostPicoUsd: defaultModelCost.toString(),
    routingSavedPicoUsd: (defaultModelCost - syncCost).toString(),
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
