import { type BatchId, batchIdSchema, tenantIdSchema } from "../../lambdas/domain/ids.ts";
import type { LedgerEntry } from "../../lambdas/domain/ledger-entry.ts";
import { sumOf } from "../../lambdas/domain/ledger-sum.ts";
import { PREFIXES } from "../../lambdas/domain/object-keys.ts";
import type { Batches, Ledger, ObjectStore } from "../../lambdas/ports.ts";
import type { LocalGateway } from "../gateway/local-gateway.ts";
import { countEnds, type DemoReport } from "./report.ts";
import type { ResultReader } from "./result-reader.ts";
import type { TimedBatch } from "./tables.ts";

type Run = {
  readonly sent: ReadonlySet<string>;
  readonly submitted: number;
  readonly reader: ResultReader;
  readonly seconds: number;
};

/** What the gateway's own records say after a run. */
export type Figures = {
  readonly entries: readonly LedgerEntry[];
  readonly batches: readonly TimedBatch[];
  /** AWS actions that a function tried and its role does not allow. */
  readonly denials: readonly string[];
  /** What the simulated providers have billed. */
  readonly invoicePicoUsd: string;
  report(run: Run): DemoReport;
};

type Stores = { readonly ledger: Ledger; readonly batches: Batches; readonly objects: ObjectStore };

export async function readFigures(
  gateway: LocalGateway,
  stores: Stores,
  tenantIds: readonly string[],
): Promise<Figures> {
  const entries = await readEntries(stores.ledger, tenantIds);
  const batches = await readBatches(stores);
  const invoice = (await gateway.simulator?.invoice()) ?? { totalPicoUsd: "0" };
  const { cost, syncCost, unconfirmed } = sumOf(entries);
  const byTenant = Map.groupBy(entries, ({ tenantId }) => tenantId);
  return {
    entries,
    batches,
    invoicePicoUsd: invoice.totalPicoUsd,
    denials: gateway.aws.denials.map(
      ({ roleName, action, resource }) => `${action} on ${resource} (${roleName})`,
    ),
    report: ({ sent, submitted, reader, seconds }) => ({
      jobs: {
        submitted,
        distinct: sent.size,
        ...countEnds(sent, reader.first),
        duplicatesDropped: sumMetric(gateway.stack.metrics(), "DuplicateJobs"),
      },
      batches: batches.map(({ seconds: _seconds, ...batch }) => batch),
      ledger: {
        // Estimates of calls whose answer was lost are no charges: the invoice has what they really cost.
        totalPicoUsd: (cost - unconfirmed).toString(),
        syncPicoUsd: syncCost.toString(),
        byTenant: Object.fromEntries(
          [...byTenant].map(([tenantId, own]) => [tenantId, sumOf(own).cost.toString()]),
        ),
      },
      invoice: { totalPicoUsd: invoice.totalPicoUsd },
      deliveries: reader.deliveries,
      peakWorkerBytes: Math.max(0, ...gateway.stack.peakBytes().values()),
      seconds,
    }),
  };
}

/** The entries of these tenants, one after the other. */
export async function readEntries(ledger: Ledger, tenantIds: readonly string[]): Promise<LedgerEntry[]> {
  const entries: LedgerEntry[] = [];
  for (const tenantId of tenantIds) {
    for await (const entry of ledger.entries(tenantIdSchema.parse(tenantId), "2000-01-01", "9999-12-31"))
      entries.push(entry);
  }
  return entries;
}

async function readBatches({ batches, objects }: Stores): Promise<TimedBatch[]> {
  const ids = new Set<BatchId>();
  for await (const { key } of objects.list(PREFIXES.batches)) {
    ids.add(batchIdSchema.parse(key.slice(PREFIXES.batches.length).split("/")[0]));
  }
  const found: TimedBatch[] = [];
  for (const id of ids) {
    const record = await batches.get(id);
    if (!record) continue;
    const { group, requests, tenants, inputBytes } = record.plan;
    const { provider, model } = group;
    const seconds = ((record.closedAt ?? NaN) - (record.submittedAt ?? NaN)) / 1000;
    found.push({ id, provider, model, requests, tenants, inputBytes, seconds });
  }
  return found.toSorted((a, b) => b.requests - a.requests);
}

/** The sum of a metric over every function that counts it. */
function sumMetric(metrics: ReadonlyMap<string, number>, name: string): number {
  return [...metrics].reduce((sum, [key, value]) => (key.endsWith(`/${name}`) ? sum + value : sum), 0);
}
