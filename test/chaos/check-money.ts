import type { LedgerEntry } from "../../lambdas/domain/ledger-entry.ts";
import type { InvoiceLine } from "../../local/provider-simulator/invoice.ts";

/**
 * What does not add up between the providers' invoice and the ledger, in words. A batch's entries sum to its bill to the
 * pico-dollar. Every direct entry has its own line of the invoice; a line without one is a call whose worker died, and
 * an `unconfirmed` entry of the same model names it.
 */
export function moneyFaults(entries: readonly LedgerEntry[], lines: readonly InvoiceLine[]): string[] {
  return [...batchFaults(entries, lines), ...directFaults(entries, lines)];
}

function batchFaults(entries: readonly LedgerEntry[], lines: readonly InvoiceLine[]): string[] {
  const differences = new Map<string, bigint>();
  const add = (batch: string | null, amount: bigint): void => {
    if (batch !== null) differences.set(batch, (differences.get(batch) ?? 0n) + amount);
  };
  for (const { kind, providerBatchId, costPicoUsd } of entries)
    if (kind === "batch") add(providerBatchId, BigInt(costPicoUsd));
  for (const { batchId, picoUsd } of lines) add(batchId, -BigInt(picoUsd));
  return [...differences]
    .filter(([, difference]) => difference !== 0n)
    .map(([batch, difference]) => `the ledger has ${difference} pico-dollars more than ${batch} cost`);
}

function directFaults(entries: readonly LedgerEntry[], lines: readonly InvoiceLine[]): string[] {
  const unmatched = lines.filter(({ batchId }) => batchId === null);
  const open = entries.filter(({ kind }) => kind === "unconfirmed");
  const faults: string[] = [];
  for (const entry of entries.filter(({ kind }) => kind === "direct")) {
    const found = unmatched.findIndex(
      (line) => isModel(line, entry) && line.service === entry.lane && line.picoUsd === entry.costPicoUsd,
    );
    if (found === -1) faults.push(`no provider billed ${entry.entryId}`);
    else unmatched.splice(found, 1);
  }
  for (const line of unmatched) {
    const named = open.findIndex((entry) => isModel(line, entry));
    if (named === -1) faults.push(`nothing in the ledger names ${line.requestId} (${line.model})`);
    else open.splice(named, 1);
  }
  return faults;
}

/** The provider may bill a dated name of the model. */
function isModel(line: InvoiceLine, entry: LedgerEntry): boolean {
  return line.provider === entry.provider && line.model.startsWith(entry.model);
}
