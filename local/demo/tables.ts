import Table from "cli-table3";
import type { LedgerEntry } from "../../lambdas/domain/ledger-entry.ts";
import { sumOf } from "../../lambdas/domain/ledger-sum.ts";
import { formatUsd } from "../../lambdas/domain/money.ts";
import type { BatchReport, DemoReport } from "./report.ts";

const COUNT = new Intl.NumberFormat("en-US");

/** A batch with what a person wants to know besides: its seconds at the provider. */
export type TimedBatch = BatchReport & { readonly seconds: number };

/** Colours only where somebody sees them: not in a file or a pipe. */
const STYLE = process.stdout.isTTY ? { head: ["bold"], border: ["grey"] } : { head: [], border: [] };

/** An empty table whose first `texts` columns are text and the others numbers. */
export function table(head: readonly string[], texts: number): Table.Table {
  const aligns = head.map((_title, column) => (column < texts ? "left" : "right"));
  return new Table({ head: [...head], colAligns: aligns, style: { ...STYLE, compact: true } });
}

/** Jobs, tokens and money by tenant, with the sum of all. */
export function tenantTable(entries: readonly LedgerEntry[]): string {
  const made = table(["tenant", "jobs", "tokens in", "tokens out", "cost", "sync cost", "saved"], 1);
  const byTenant = Map.groupBy(entries, (entry) => entry.tenantId);
  for (const [tenantId, own] of [...byTenant].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    made.push(row(tenantId, own));
  made.push(row("all", entries));
  return made.toString();
}

function row(name: string, entries: readonly LedgerEntry[]): string[] {
  const { jobs, inputTokens, outputTokens, cost, syncCost } = sumOf(entries);
  return [
    name,
    COUNT.format(jobs),
    COUNT.format(inputTokens),
    COUNT.format(outputTokens),
    formatUsd(cost),
    formatUsd(syncCost),
    share(syncCost - cost, syncCost),
  ];
}

function share(part: bigint, whole: bigint): string {
  return whole === 0n ? "-" : `${(Number((part * 1000n) / whole) / 10).toFixed(1)} %`;
}

/** One line per provider batch. */
export function batchTable(batches: readonly TimedBatch[]): string {
  const made = table(["batch", "provider", "model", "requests", "tenants", "bytes", "seconds"], 3);
  for (const { id, provider, model, requests, tenants, inputBytes, seconds } of batches) {
    const counts = [requests, tenants, inputBytes].map((count) => COUNT.format(count));
    made.push([id, provider, model, ...counts, seconds.toFixed(1)]);
  }
  return made.toString();
}

/** The provider's own invoice beside the ledger. */
export function moneyTable({ ledger, invoice }: DemoReport): string {
  const made = table(["", "dollars", "pico-dollars"], 1);
  const line = (name: string, pico: string) =>
    made.push([name, formatUsd(BigInt(pico)), COUNT.format(BigInt(pico))]);
  line("the providers' invoice", invoice.totalPicoUsd);
  line("the tenants' ledger", ledger.totalPicoUsd);
  line("difference", String(BigInt(ledger.totalPicoUsd) - BigInt(invoice.totalPicoUsd)));
  return made.toString();
}

/** How the jobs ended. */
export function jobTable({ jobs, deliveries }: DemoReport): string {
  const names = [
    "submitted",
    "distinct",
    "succeeded",
    "failed",
    "rejected",
    "lost",
    "duplicatesDropped",
  ] as const;
  const titles = [...names.slice(0, -1), "duplicates dropped", "results delivered"];
  const made = table(titles, 0);
  made.push([...names.map((name) => COUNT.format(jobs[name])), COUNT.format(deliveries)]);
  return made.toString();
}
