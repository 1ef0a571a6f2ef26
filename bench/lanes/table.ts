import { TIERS } from "../../lambdas/domain/vocabulary.ts";
import type { Row } from "./measure.ts";
import { SCENARIOS } from "./scenarios.ts";

/** What halving the price of all that may wait saves of the whole: normal and low are 55 % of the spend. */
export const CEILING = 0.275;

const percent = (share: number, digits = 1) => `${(100 * share).toFixed(digits)} %`;

/** The rows as one Markdown table for each scenario. */
export function markdownOf(
  rows: readonly Row[],
  { seed, count }: { readonly seed: number; readonly count: number },
): string {
  const tables = SCENARIOS.map(({ name, title }) => {
    const own = rows.filter(({ scenario }) => scenario === name);
    if (own.length === 0) return "";
    const lines = own.map(
      (row) =>
        `| ${[
          row.strategy,
          `$${row.costUsd.toFixed(4)}`,
          percent(row.savedShare),
          percent(row.oracleShare),
          ...TIERS.map((tier) => percent(row.deadlinesMet[tier], 2)),
          `${row.p50LatenessSeconds.toFixed(0)} s`,
          `${row.p99LatenessSeconds.toFixed(0)} s`,
          percent(row.premiumUsd / row.costUsd, 2),
        ].join(" | ")} |`,
    );
    return [
      `### (${name}) ${title}`,
      "",
      `| strategy | cost | saved (ceiling ${percent(CEILING)}) | of the oracle's | ${TIERS.map((tier) => `${tier} in time`).join(" | ")} | p50 late | p99 late | premium |`,
      `|---|--:|--:|--:|${TIERS.map(() => "--:|").join("")}--:|--:|--:|`,
      ...lines,
    ].join("\n");
  }).filter((table) => table !== "");
  return [
    `${count} jobs in 7 days, seed ${seed}: 20 % critical, 25 % high, 30 % normal, 25 % low, each of the same cost.`,
    ...tables,
  ].join("\n\n");
}
