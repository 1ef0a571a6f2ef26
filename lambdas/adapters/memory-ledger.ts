import type { TenantId } from "../domain/ids.ts";
import type { LedgerEntry } from "../domain/ledger-entry.ts";
import type { Ledger } from "../ports.ts";
import { byBytes } from "./byte-order.ts";
import { conflictOf, entryIdRange, sameEntry } from "./ledger-rules.ts";
import { frozenCopy } from "./frozen-copy.ts";

export class MemoryLedger implements Ledger {
  readonly #tenants = new Map<TenantId, Map<string, LedgerEntry>>();

  async record(entries: readonly LedgerEntry[]): Promise<void> {
    const conflicts: LedgerEntry[] = [];
    for (const entry of entries) {
      const ledger = this.#tenants.get(entry.tenantId) ?? new Map<string, LedgerEntry>();
      this.#tenants.set(entry.tenantId, ledger);
      const standing = ledger.get(entry.entryId);
      if (standing === undefined) ledger.set(entry.entryId, frozenCopy(entry));
      else if (!sameEntry(standing, entry)) conflicts.push(entry);
    }
    if (conflicts.length > 0) throw conflictOf(conflicts);
  }

  async *entries(tenantId: TenantId, from: string, to: string): AsyncGenerator<LedgerEntry> {
    const { first, last } = entryIdRange(from, to);
    const found = [...(this.#tenants.get(tenantId)?.values() ?? [])].filter(
      ({ entryId }) => byBytes(first, entryId) <= 0 && byBytes(entryId, last) <= 0,
    );
    found.sort((a, b) => byBytes(a.entryId, b.entryId));
    for (const entry of found) yield entry;
  }
}
