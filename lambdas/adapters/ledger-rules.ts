import { isDeepStrictEqual } from "node:util";
import { ConflictingRecordError } from "../domain/failures.ts";
import { type LedgerEntry, ledgerEntrySchema } from "../domain/ledger-entry.ts";

/**
 * The entry ids of the days `from` to `to`, as an inclusive range of keys: an id is `<date>#…`, and `$` is the
 * character after `#`. Nothing under another prefix (roll-ups) lies in it.
 */
export function entryIdRange(from: string, to: string): { readonly first: string; readonly last: string } {
  return { first: `${from}#`, last: `${to}$` };
}

/**
 * By all that is billed or counted. Not by what another model would have cost, as a tenant may have given its alias another
 * default before a step ran again; nor by how much of the cost was premium, as the job may have been opened again since. What
 * was written first stands.
 */
export function sameEntry(standing: LedgerEntry, wanted: LedgerEntry): boolean {
  return isDeepStrictEqual(billed(standing), billed(ledgerEntrySchema.parse(wanted)));
}

function billed({ defaultModelCostPicoUsd: _compared, premiumPicoUsd: _part, ...entry }: LedgerEntry) {
  return entry;
}

export function conflictOf(entries: readonly LedgerEntry[]): ConflictingRecordError {
  const keys = entries.map((entry) => `${entry.tenantId} ${entry.entryId}`);
  return new ConflictingRecordError(`the ledger holds another entry under ${keys.join(", ")}`);
}
