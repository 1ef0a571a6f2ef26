import type { SeenResult } from "./result-reader.ts";

/** The demo's report, for machines. Pico-dollar amounts are decimal strings. */
export type DemoReport = {
  readonly jobs: {
    readonly submitted: number;
    readonly distinct: number;
    readonly succeeded: number;
    readonly failed: number;
    readonly expired: number;
    readonly cancelled: number;
    readonly rejected: number;
    /** Keys that were sent and of which no result was read on their tenant's queue. */
    readonly lost: number;
    readonly duplicatesDropped: number;
  };
  readonly batches: readonly BatchReport[];
  readonly ledger: {
    readonly totalPicoUsd: string;
    readonly syncPicoUsd: string;
    readonly byTenant: Readonly<Record<string, string>>;
  };
  readonly invoice: { readonly totalPicoUsd: string };
  /** Results read from the tenants' queues, repeats included. */
  readonly deliveries: number;
  readonly peakWorkerBytes: number;
  readonly seconds: number;
};

export type BatchReport = {
  readonly id: string;
  readonly provider: string;
  readonly model: string;
  readonly requests: number;
  readonly tenants: number;
  readonly inputBytes: number;
};

/** How the keys that were sent ended, by the first result that the reader saw of each. */
export function countEnds(sent: ReadonlySet<string>, first: ReadonlyMap<string, SeenResult>) {
  const ends = { succeeded: 0, failed: 0, expired: 0, cancelled: 0, rejected: 0, lost: 0 };
  for (const key of sent) {
    const status = first.get(key)?.status ?? "lost";
    if (!(status in ends)) throw new Error(`a result has the unknown status ${status}`);
    ends[status as keyof typeof ends] += 1;
  }
  return ends;
}

/** What is wrong with a run, in words; empty when everything holds that the demo promises. */
export function findFaults(report: DemoReport, strays: number, denials: readonly string[]): string[] {
  const faults: string[] = [];
  const { jobs, ledger, invoice } = report;
  if (jobs.lost > 0) faults.push(`${jobs.lost} jobs have no result`);
  if (jobs.failed + jobs.rejected + jobs.expired + jobs.cancelled > 0)
    faults.push("some jobs did not succeed");
  if (strays > 0) faults.push(`${strays} results reached another tenant's queue`);
  if (ledger.totalPicoUsd !== invoice.totalPicoUsd) {
    faults.push(`the ledger says ${ledger.totalPicoUsd} pico-dollars, the provider ${invoice.totalPicoUsd}`);
  }
  for (const denial of denials) faults.push(`a function was denied ${denial}`);
  return faults;
}
