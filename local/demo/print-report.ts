import path from "node:path";
import type { Figures } from "./figures.ts";
import type { DemoReport } from "./report.ts";
import { batchTable, jobTable, moneyTable, tenantTable } from "./tables.ts";

/** Prints a run as a person likes to read it: tables, and where the files lie. */
export function printReport(
  report: DemoReport,
  figures: Figures,
  folders: { bucket: string; logs: string },
): void {
  const sections = [
    ["What each tenant got and paid", tenantTable(figures.entries)],
    ["The provider batches, each shared by several tenants", batchTable(figures.batches)],
    ["What the providers billed, and what the ledger says", moneyTable(report)],
    ["What became of the jobs", jobTable(report)],
  ];
  for (const [title, table] of sections) console.log(`\n${title}\n${table}`);
  console.log(`
Every batch's input, manifest and raw output: ${here(path.join(folders.bucket, "batches"))}
Every tenant's results:                       ${here(path.join(folders.bucket, "results"))}
The functions' logs:                          ${here(folders.logs)}
Took ${report.seconds.toFixed(1)} s; the largest worker held ${(report.peakWorkerBytes / 1e6).toFixed(0)} MB.`);
}

function here(folder: string): string {
  return path.relative(process.cwd(), folder);
}
