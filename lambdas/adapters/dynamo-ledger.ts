import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { TenantId } from "../domain/ids.ts";
import { type LedgerEntry, ledgerEntrySchema } from "../domain/ledger-entry.ts";
import type { Ledger } from "../ports.ts";
import { chunks } from "../domain/chunks.ts";
import { DynamoTable, type Item } from "./dynamo-table.ts";
import { conflictOf, entryIdRange, sameEntry } from "./ledger-rules.ts";
import { parseStored } from "./stored-record.ts";

/** Entries written at once. */
const WRITERS = 16;

function parseEntry(item: Item): LedgerEntry {
  return parseStored(ledgerEntrySchema, item, `ledger entry ${String(item["pk"])} ${String(item["sk"])}`);
}

/** The tenant ledger: one item per entry, `pk` = `TENANT#<id>`, `sk` = the entry's id; put once, never changed. */
export class DynamoLedger implements Ledger {
  readonly #table: DynamoTable;

  constructor(client: DynamoDBDocumentClient, tableName: string) {
    this.#table = new DynamoTable(client, tableName);
  }

  async record(entries: readonly LedgerEntry[]): Promise<void> {
    const conflicts: LedgerEntry[] = [];
    const failures: unknown[] = [];
    for (const part of chunks(entries, WRITERS)) {
      const writes = await Promise.allSettled(part.map((entry) => this.#stands(entry)));
      for (const [index, write] of writes.entries()) {
        const entry = part[index];
        if (write.status === "rejected") failures.push(write.reason);
        else if (!write.value && entry) conflicts.push(entry);
      }
    }
    // A conflict is an alarm whatever else happened, and a repetition would only find it again.
    if (conflicts.length > 0) throw conflictOf(conflicts);
    if (failures.length > 0) throw failures[0];
  }

  async *entries(tenantId: TenantId, from: string, to: string): AsyncGenerator<LedgerEntry> {
    const { first, last } = entryIdRange(from, to);
    const items = this.#table.query({
      text: "#pk = :pk AND #sk BETWEEN :first AND :last",
      values: { ":pk": `TENANT#${tenantId}`, ":first": first, ":last": last },
    });
    for await (const item of items) yield parseEntry(item);
  }

  /** Puts the entry if its key is free; whether it is what stands there now. */
  async #stands(entry: LedgerEntry): Promise<boolean> {
    const item = { pk: `TENANT#${entry.tenantId}`, sk: entry.entryId, ...entry };
    const standing = await this.#table.putOnce(item);
    return standing === item || sameEntry(parseEntry(standing), entry);
  }
}
