import Table from "cli-table3";
import { formatUsd } from "../../lambdas/domain/money.ts";
import { SERVICE_NAMES, serviceCost, usageCost } from "./aws-prices.ts";
import type { DayReport } from "./day-report.ts";

const usd = (picoUsd: number) => formatUsd(BigInt(Math.round(picoUsd)), 4);

/** The days one beside the other: what each service bills. */
export function dayTable(reports: readonly DayReport[]): string {
  const table = new Table({
    head: ["", ...reports.map(({ day }) => day)],
    colAligns: ["left", ...reports.map(() => "right" as const)],
    style: { head: [], border: [], compact: true },
  });
  const row = (name: string, cell: (report: DayReport) => string) => table.push([name, ...reports.map(cell)]);
  row("items", ({ items, done }) => `${done} of ${items}`);
  row("hours", ({ hours }) => hours.toFixed(1));
  row("provider batches", ({ batches }) => String(batches));
  for (const service of SERVICE_NAMES) row(service, ({ usage }) => usd(serviceCost(usage, service)));
  row("all", ({ usage }) => usd(usageCost(usage)));
  return table.toString();
}
