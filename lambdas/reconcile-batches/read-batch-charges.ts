import type { BatchRecord } from "../domain/batch-record.ts";
import { batchIdSchema, type BatchId, type TenantId } from "../domain/ids.ts";
import { utcDate } from "../domain/instant.ts";
import type { LedgerEntry } from "../domain/ledger-entry.ts";
import { Charges } from "../domain/reconciliation.ts";
import type { Batches, Ledger } from "../ports.ts";
import type { Difference, Unconfirmed } from "./reconciliation-report.ts";

/** The provider's clock, which dates the entries, may be a little off ours. */
const CLOCK_SLACK_MS = 86_400_000;

/**
 * What the ledger says of these batches: the entries of their tenants from the first planning to the last closing, so
 * that a charge on a wrong day, or to another of them, is found too.
 */
export async function readBatchCharges(
  records: readonly BatchRecord[],
  tenants: ReadonlySet<TenantId>,
  ledger: Pick<Ledger, "entries">,
): Promise<BatchCharges> {
  const charges = new BatchCharges(records.map(({ plan }) => plan.batchId));
  if (records.length === 0) return charges;
  const times = records.flatMap(({ plan, closedAt }) => [plan.plannedAt, closedAt ?? plan.plannedAt]);
  const [first, last] = times.reduce(
    ([least, most], time) => [Math.min(least, time), Math.max(most, time)],
    [Infinity, -Infinity],
  );
  const [from, to] = [utcDate(first - CLOCK_SLACK_MS), utcDate(last + CLOCK_SLACK_MS)];
  for (const tenantId of tenants) {
    for await (const entry of ledger.entries(tenantId, from, to)) charges.add(entry);
  }
  return charges;
}

/** Sums of ledger entries by batch. */
class BatchCharges {
  readonly #charges: ReadonlyMap<string, Charges>;
  readonly #unconfirmed = new Map<string, Unconfirmed>();
  /** Charges for other batches: open ones, older ones, or none at all. */
  readonly #others = new Map<string, Unconfirmed>();

  constructor(batchIds: readonly BatchId[]) {
    this.#charges = new Map(batchIds.map((batchId) => [batchId, new Charges()]));
  }

  add(entry: LedgerEntry): void {
    if (entry.batchId === null) return;
    const charges = this.#charges.get(entry.batchId);
    if (charges === undefined) addCost(this.#others, entry.batchId, entry);
    else if (entry.kind === "unconfirmed") addCost(this.#unconfirmed, entry.batchId, entry);
    else charges.addEntry(entry);
  }

  chargesOf(batchId: BatchId): Charges {
    return this.#charges.get(batchId) ?? new Charges();
  }

  unconfirmed(): Unconfirmed[] {
    return [...this.#unconfirmed.values()];
  }

  /** What was charged for batches that the register does not know. */
  async unknownBatches(batches: Pick<Batches, "get">): Promise<Difference[]> {
    const differences: Difference[] = [];
    const known = new Map<string, boolean>();
    for (const { batchId, tenantId, cost } of this.#others.values()) {
      if (!known.has(batchId)) known.set(batchId, await isRegistered(batchId, batches));
      if (known.get(batchId) === false) differences.push({ kind: "unknown-batch", batchId, tenantId, cost });
    }
    return differences;
  }
}

async function isRegistered(batchId: string, batches: Pick<Batches, "get">): Promise<boolean> {
  const id = batchIdSchema.safeParse(batchId);
  return id.success && (await batches.get(id.data)) !== undefined;
}

function addCost(sums: Map<string, Unconfirmed>, batchId: string, entry: LedgerEntry): void {
  const { tenantId } = entry;
  const name = `${batchId} ${tenantId}`;
  const cost = (sums.get(name)?.cost ?? 0n) + BigInt(entry.costPicoUsd);
  sums.set(name, { batchId, tenantId, cost });
}
