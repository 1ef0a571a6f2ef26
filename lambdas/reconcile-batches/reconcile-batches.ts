import { z } from "zod";
import type { BatchRecord } from "../domain/batch-record.ts";
import { MissingRecordError } from "../domain/failures.ts";
import type { BatchId, TenantId } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import { type Charges, chargeDifferences } from "../domain/reconciliation.ts";
import type { Batches, JobMap, Ledger, ObjectStore, Runtime } from "../ports.ts";
import { checkJobs } from "./check-jobs.ts";
import { expectBatch } from "./expect-batch.ts";
import { readBatchCharges } from "./read-batch-charges.ts";
import type { Difference, Reconciliation } from "./reconciliation-report.ts";

/** Milliseconds after which no further batch is begun: two minutes less than the function may run. */
export const RECONCILING_MS = 13 * 60_000;

export type ReconcilePorts = {
  readonly batches: Pick<Batches, "get">;
  readonly objects: ObjectStore;
  readonly jobs: Pick<JobMap, "get" | "getMany">;
  readonly ledger: Pick<Ledger, "entries">;
  readonly runtime: Pick<Runtime, "now">;
};

export type ReconcileOptions = {
  /** No batch is begun from then on. */
  readonly until?: Instant;
  /** Whether a charge for a batch that nobody registered is a difference. */
  readonly strangers?: boolean;
  readonly progress?: (done: number, of: number) => void;
};

/**
 * Compares closed batches with the ledger and the job map: what each must have cost is worked out anew from the provider's
 * own lines. Changes nothing, and can be repeated. Batches are read one by one and line by line; what is kept of each are
 * its sums. Throws RetryableError when a store does not answer; what is missing or unreadable is a difference.
 */
export async function reconcileBatches(
  closed: readonly BatchRecord[],
  ports: ReconcilePorts,
  { until = Infinity, strangers = false, progress }: ReconcileOptions = {},
): Promise<Reconciliation> {
  const differences: Difference[] = [];
  const expected = new Map<BatchId, Charges>();
  const begun: BatchRecord[] = [];
  for (const record of closed) {
    if (ports.runtime.now() >= until) break;
    begun.push(record);
    const read = await readBatch(record, ports);
    differences.push(...read.differences);
    if (read.charges) expected.set(record.plan.batchId, read.charges);
    progress?.(begun.length, closed.length);
  }
  // Read last: a closed batch has all its entries by then, and no batch closed since is compared with them.
  const found = await readBatchCharges(begun, tenantsOf(expected), ports.ledger);
  for (const [batchId, charges] of expected) {
    const differing = chargeDifferences(charges, found.chargesOf(batchId));
    differences.push(...differing.map((one) => ({ kind: "charge" as const, batchId, ...one })));
  }
  if (strangers) differences.push(...(await found.unknownBatches(ports.batches)));
  const cost = [...expected.values()].reduce((sum, charges) => sum + charges.cost, 0n);
  const unreached = closed.slice(begun.length);
  differences.sort(byBatch);
  return { batches: begun.length, unreached, cost, differences, unconfirmed: found.unconfirmed() };
}

/** What concerns one batch stands together. */
function byBatch(a: Difference, b: Difference): number {
  if (a.batchId === b.batchId) return 0;
  return a.batchId < b.batchId ? -1 : 1;
}

/** What a batch must have cost, none where that cannot be told, and what of it does not agree with the job map. */
async function readBatch(
  record: BatchRecord,
  ports: ReconcilePorts,
): Promise<{ readonly charges: Charges | null; readonly differences: readonly Difference[] }> {
  try {
    const expected = await expectBatch(record, ports.objects);
    const differences = await checkJobs(record, expected, ports.jobs);
    return { charges: expected.charges, differences };
  } catch (error) {
    const reason = unreadableReason(error);
    if (reason === undefined) throw error;
    return { charges: null, differences: [{ kind: "unreadable", batchId: record.plan.batchId, reason }] };
  }
}

/** Only our own words: the parsers' messages quote what they could not read. */
function unreadableReason(error: unknown): string | undefined {
  if (error instanceof MissingRecordError) return error.message;
  if (error instanceof SyntaxError || error instanceof z.ZodError)
    return "something stored of the batch cannot be read";
  return undefined;
}

function tenantsOf(expected: ReadonlyMap<BatchId, Charges>): ReadonlySet<TenantId> {
  const tenants = new Set<TenantId>();
  for (const charges of expected.values()) {
    for (const name of charges.names) {
      const key = charges.key(name);
      if (key) tenants.add(key.tenantId);
    }
  }
  return tenants;
}
