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
 * Whether an entry is the one that stands: the same money for the same answers. How many jobs they ended is what it was
 * when the entry was first written: a job that its tenant opened again since may yet take an older answer.
 */
export function sameEntry(standing: LedgerEntry, wanted: LedgerEntry): boolean {
  const { jobs } = standing;
  return isDeepStrictEqual(standing, { ...ledgerEntrySchema.parse(wanted), jobs });
}

export function conflictOf(entries: readonly LedgerEntry[]): ConflictingRecordError {
  const keys = entries.map((entry) => `${entry.tenantId} ${entry.entryId}`);
  return new ConflictingRecordError(`the ledger holds another entry under ${keys.join(", ")}`);
}
