import { z } from "zod";
import { utcDate } from "../lambdas/domain/instant.ts";
import { formatUsd } from "../lambdas/domain/money.ts";
import { addEntry, type CostSum, NO_COST } from "../lambdas/domain/ledger-sum.ts";
import { COST_KEYS, type CostKey, costJson, costTable } from "./cost-report.ts";
import { OperatorError } from "./operator-error.ts";
import type { Report } from "./report.ts";
import { type Stack, tenantIds } from "./stack.ts";

export type CostOptions = {
  readonly tenant?: string;
  /** UTC days, both included: by default from the first of this month to today. */
  readonly from?: string;
  readonly to?: string;
  readonly by: CostKey;
};

/** `offpeak costs`: what the ledger says was spent, and what the same work would have cost at once. */
export async function costs(stack: Stack, options: CostOptions, now: number): Promise<Report> {
  const { from = `${utcDate(now).slice(0, 7)}-01`, to = utcDate(now), by } = options;
  for (const [name, day] of Object.entries({ from, to })) {
    if (!z.iso.date().safeParse(day).success)
      throw new OperatorError(`--${name} is a day like 2026-11-21, not ${day}`);
  }
  if (from > to) throw new OperatorError(`--from ${from} is after --to ${to}`);
  const sums = new Map<string, CostSum>();
  let total = NO_COST;
  for (const tenantId of await tenantIds(stack, options.tenant)) {
    for await (const entry of stack.ledger.entries(tenantId, from, to)) {
      const key = entry[COST_KEYS[by]];
      sums.set(key, addEntry(sums.get(key) ?? NO_COST, entry));
      total = addEntry(total, entry);
    }
  }
  const groups = [...sums].map(([key, sum]) => ({ [by]: key, ...costJson(sum) }));
  const lines = [`${from} to ${to}, UTC days`, costTable(by, sums, total)];
  if (total.defaultModelCost !== total.syncCost) {
    lines.push(
      `Aliases: with their default models the same tokens would have cost ${formatUsd(total.defaultModelCost)} at once; routing by tier made that ${formatUsd(total.syncCost)}.`,
    );
  }
  if (total.unconfirmed > 0n) {
    lines.push(
      `Of the cost, ${formatUsd(total.unconfirmed)} is an estimate: calls whose answer was lost. Compare it with the provider's bill.`,
    );
  }
  return { data: { from, to, by, groups, total: costJson(total) }, text: lines.join("\n") };
}
