import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { AccountHold, BatchOutcome, BatchRecord, PlannedBatch } from "../domain/batch-record.ts";
import type { BatchTime } from "../domain/batch-time.ts";
import { MissingRecordError } from "../domain/failures.ts";
import type { BatchId } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import type { Batches, BatchLease } from "../ports.ts";
import {
  closed,
  held,
  leased,
  locked,
  newBatchRecord,
  restarted,
  type Submission,
  unleased,
  withAbandonment,
  withCancel,
  withEscalation,
  withInputFile,
  withIntent,
  withRefusal,
  withSettlement,
  withSubmission,
} from "./batch-decisions.ts";
import {
  batchKey,
  holdKey,
  lockKey,
  openKey,
  openRow,
  openRows,
  ownerKey,
  parseBatch,
  parseHold,
  parseLock,
  parseOwner,
  parsePlanRow,
  parseTime,
  plannedRow,
  plannedRows,
  timeRow,
  timeRows,
} from "./dynamo-batch-rows.ts";
import { type Decision, decideOnItem, newWriteId } from "./dynamo-decision.ts";
import { DynamoTable } from "./dynamo-table.ts";
import { guardExpiry } from "./guard-expiry.ts";

/**
 * The batches table's batches: `BATCH#<id>`, the rows among its account's open and recent ones, owners of providers'
 * batches, and the accounts' locks and holds.
 */
export class DynamoBatches implements Batches {
  readonly #table: DynamoTable;
  readonly #now: () => Instant;

  constructor(client: DynamoDBDocumentClient, tableName: string, now: () => Instant = Date.now) {
    this.#table = new DynamoTable(client, tableName);
    this.#now = now;
  }

  async register(plan: PlannedBatch, submitted?: Submission): Promise<void> {
    const record = newBatchRecord(plan, submitted);
    await this.#table.putIf({ ...batchKey(plan.batchId), ...record, writeId: newWriteId() });
    await this.#table.put(plannedRow(plan));
    await this.#table.put(openRow(plan, this.#now()));
    // A late repetition may have put the open row again after the batch was closed. Closing deletes the row after it
    // marked the batch, so whichever of the two comes last takes the row away.
    const standing = await this.get(plan.batchId);
    if (standing?.state === "closed") await this.#table.delete(openKey(plan));
  }

  async get(id: BatchId): Promise<BatchRecord | undefined> {
    const item = await this.#table.get(batchKey(id));
    return item && parseBatch(item);
  }

  async lease(id: BatchId, now: Instant, until: Instant): Promise<BatchLease | undefined> {
    const batch = await this.#decide(id, (record) => {
      const next = leased(record, now, until);
      return { answer: next, next };
    });
    return batch && { batchId: id, fence: batch.fence, batch };
  }

  async unlease(lease: BatchLease): Promise<void> {
    await this.#change(lease.batchId, (record) => unleased(record, lease));
  }

  async recordIntent(lease: BatchLease, at: Instant): Promise<void> {
    await this.#change(lease.batchId, (record) => withIntent(record, lease, at));
  }

  async recordInputFile(lease: BatchLease, fileId: string): Promise<void> {
    await this.#change(lease.batchId, (record) => withInputFile(record, lease, fileId));
  }

  async recordSubmitted(
    lease: BatchLease,
    providerBatchId: string,
    at: Instant,
    isProvisional = false,
  ): Promise<void> {
    await this.#change(lease.batchId, (record) =>
      withSubmission(record, lease, { providerBatchId, at, isProvisional }),
    );
  }

  async recordRefusal(lease: BatchLease, refusal: NonNullable<BatchRecord["refusal"]>): Promise<void> {
    await this.#change(lease.batchId, (record) => withRefusal(record, lease, refusal));
  }

  async recordCollected(lease: BatchLease, settlementKey: string): Promise<string> {
    const record = await this.#change(lease.batchId, (record) =>
      withSettlement(record, lease, settlementKey),
    );
    return record.settlementKey ?? settlementKey;
  }

  async recordCancel(id: BatchId, at: Instant): Promise<Instant> {
    return (await this.#change(id, (record) => withCancel(record, at))).cancelAt ?? at;
  }

  async recordEscalated(id: BatchId, until: Instant): Promise<void> {
    await this.#change(id, (record) => withEscalation(record, until));
  }

  async recordAbandoned(lease: BatchLease, at: Instant): Promise<void> {
    await this.#change(lease.batchId, (record) => withAbandonment(record, lease, at));
  }

  async restart(id: BatchId, generation: number): Promise<number> {
    return (await this.#change(id, (record) => restarted(record, generation))).generation;
  }

  async close(id: BatchId, at: Instant, outcome: BatchOutcome): Promise<void> {
    const record = await this.#change(id, (record) => closed(record, at, outcome));
    await this.#table.delete(openKey(record.plan));
  }

  async *listOpen(account: string): AsyncGenerator<PlannedBatch> {
    for await (const item of this.#table.query(openRows(account))) yield parsePlanRow(item);
  }

  async *listPlanned(account: string, from: Instant, until: Instant): AsyncGenerator<PlannedBatch> {
    // DynamoDB takes a range that ends before it begins for a mistake.
    if (from >= until) return;
    for await (const item of this.#table.query(plannedRows(account, from, until))) yield parsePlanRow(item);
  }

  async recordTime(account: string, time: BatchTime): Promise<void> {
    await this.#table.put(timeRow(account, time));
  }

  async *times(account: string, since: Instant): AsyncGenerator<BatchTime> {
    for await (const item of this.#table.query(timeRows(account, since))) yield parseTime(item);
  }

  async hold(account: string, hold: AccountHold): Promise<void> {
    await decideOnItem({
      table: this.#table,
      key: holdKey(account),
      parse: parseHold,
      toItem: (next) => ({ ...next, version: 1, expiresAt: guardExpiry(next.until) }),
      decide: (standing) => ({ answer: undefined, next: held(standing, hold) }),
    });
  }

  async holdOf(account: string): Promise<AccountHold | undefined> {
    const item = await this.#table.get(holdKey(account));
    return item && parseHold(item);
  }

  async ownProviderBatch(account: string, providerBatchId: string, id: BatchId): Promise<BatchId> {
    const expiresAt = guardExpiry(this.#now());
    const key = ownerKey(account, providerBatchId);
    return parseOwner(await this.#table.putOnce({ ...key, version: 1, batchId: id, expiresAt }));
  }

  async disownProviderBatch(account: string, providerBatchId: string, id: BatchId): Promise<void> {
    const mine = { text: "#batchId = :id", values: { ":id": id } };
    await this.#table.deleteIf(ownerKey(account, providerBatchId), mine);
  }

  async providerBatchOwner(account: string, providerBatchId: string): Promise<BatchId | undefined> {
    const item = await this.#table.get(ownerKey(account, providerBatchId));
    return item && parseOwner(item);
  }

  async lockAccount(account: string, owner: BatchId, now: Instant, until: Instant): Promise<boolean> {
    return decideOnItem({
      table: this.#table,
      key: lockKey(account),
      parse: parseLock,
      toItem: (lock) => ({ ...lock, version: 1, expiresAt: guardExpiry(lock.until) }),
      decide: (lock) => {
        const next = locked(lock, owner, now, until);
        return { answer: next !== undefined, next };
      },
      expectAbsent: true,
    });
  }

  async unlockAccount(account: string, owner: BatchId): Promise<void> {
    await this.#table.deleteIf(lockKey(account), { text: "#owner = :owner", values: { ":owner": owner } });
  }

  /** Applies a change of batch-decisions; returns the record that stands then. */
  async #change(id: BatchId, change: (record: BatchRecord) => BatchRecord): Promise<BatchRecord> {
    return this.#decide(id, (record) => {
      const next = change(record);
      return { answer: next, next: next === record ? undefined : next };
    });
  }

  async #decide<Answer>(
    id: BatchId,
    decide: (record: BatchRecord) => Decision<BatchRecord, Answer>,
  ): Promise<Answer> {
    return decideOnItem({
      table: this.#table,
      key: batchKey(id),
      parse: parseBatch,
      toItem: (record) => record,
      decide: (record) => {
        if (record === undefined) throw new MissingRecordError(`batch ${id} was never registered`);
        return decide(record);
      },
    });
  }
}
