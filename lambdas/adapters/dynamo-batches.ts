import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { z } from "zod";
import {
  BATCH_RECORD_VERSION,
  type BatchRecord,
  batchRecordSchema,
  type PlannedBatch,
  plannedBatchSchema,
} from "../domain/batch-record.ts";
import { MissingRecordError } from "../domain/failures.ts";
import { type BatchId, batchIdSchema } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import type { Batches, BatchLease } from "../ports.ts";
import {
  type AccountLock,
  closed,
  leased,
  locked,
  newBatchRecord,
  unleased,
  withInputFile,
  withIntent,
  withRefusal,
  withSettlement,
  withSubmission,
} from "./batch-decisions.ts";
import { type Decision, decideOnItem, newWriteId } from "./dynamo-decision.ts";
import { DynamoTable, type Item } from "./dynamo-table.ts";
import { guardExpiry } from "./guard-expiry.ts";
import { parseStored } from "./stored-record.ts";

const openSchema = z.object({ plan: plannedBatchSchema });
const ownerSchema = z.object({ version: z.literal(1), batchId: batchIdSchema });
const lockSchema = z.object({ version: z.literal(1), owner: batchIdSchema, until: z.number() });

function batchKey(id: BatchId) {
  return { pk: `BATCH#${id}`, sk: "BATCH" };
}

function openKey({ batchId, group }: PlannedBatch) {
  return { pk: `OPEN#${group.account}`, sk: batchId };
}

function lockKey(account: string) {
  return { pk: `ACCOUNT#${account}`, sk: "lock" };
}

function parseBatch(item: Item): BatchRecord {
  return parseStored(batchRecordSchema, item, String(item["pk"]));
}

/**
 * The batches table's batches: `BATCH#<id>`, the row among its account's open ones, owners of providers' batches and
 * the accounts' locks.
 */
export class DynamoBatches implements Batches {
  readonly #table: DynamoTable;
  readonly #now: () => Instant;

  constructor(client: DynamoDBDocumentClient, tableName: string, now: () => Instant = Date.now) {
    this.#table = new DynamoTable(client, tableName);
    this.#now = now;
  }

  async register(plan: PlannedBatch): Promise<void> {
    const record = newBatchRecord(plan);
    await this.#table.putIf({ ...batchKey(plan.batchId), ...record, writeId: newWriteId() });
    // The expiry bounds what a row left behind by the race below could do to the account's headroom.
    await this.#table.put({
      ...openKey(plan),
      version: BATCH_RECORD_VERSION,
      plan,
      expiresAt: guardExpiry(this.#now()),
    });
    // A late repetition may have put the row again after the batch was closed. Closing deletes the row after it marked
    // the batch, so whichever of the two comes last takes the row away.
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

  async recordSubmitted(lease: BatchLease, providerBatchId: string, at: Instant): Promise<void> {
    await this.#change(lease.batchId, (record) => withSubmission(record, lease, providerBatchId, at));
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

  async close(id: BatchId, at: Instant): Promise<void> {
    const record = await this.#change(id, (record) => closed(record, at));
    await this.#table.delete(openKey(record.plan));
  }

  async *listOpen(account: string): AsyncGenerator<PlannedBatch> {
    const items = this.#table.query({ text: "#pk = :pk", values: { ":pk": `OPEN#${account}` } });
    for await (const item of items)
      yield parseStored(openSchema, item, `open batch ${String(item["sk"])}`).plan;
  }

  async ownProviderBatch(account: string, providerBatchId: string, id: BatchId): Promise<BatchId> {
    const item = await this.#table.putOnce({
      pk: `PROVIDER#${account}`,
      sk: providerBatchId,
      version: 1,
      batchId: id,
      expiresAt: guardExpiry(this.#now()),
    });
    return parseStored(ownerSchema, item, `owner of ${providerBatchId}`).batchId;
  }

  async providerBatchOwner(account: string, providerBatchId: string): Promise<BatchId | undefined> {
    const item = await this.#table.get({ pk: `PROVIDER#${account}`, sk: providerBatchId });
    return item && parseStored(ownerSchema, item, `owner of ${providerBatchId}`).batchId;
  }

  async lockAccount(account: string, owner: BatchId, now: Instant, until: Instant): Promise<boolean> {
    return decideOnItem({
      table: this.#table,
      key: lockKey(account),
      parse: (item): AccountLock => parseStored(lockSchema, item, `lock of ${account}`),
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
