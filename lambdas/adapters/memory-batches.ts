import type { AccountHold, BatchOutcome, BatchRecord, PlannedBatch } from "../domain/batch-record.ts";
import type { BatchTime } from "../domain/batch-time.ts";
import { MissingRecordError } from "../domain/failures.ts";
import type { BatchId } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import type { Batches, BatchLease } from "../ports.ts";
import {
  type AccountLock,
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
import { byBytes } from "./byte-order.ts";
import { frozenCopy } from "./frozen-copy.ts";

function ownerKey(account: string, providerBatchId: string): string {
  return JSON.stringify([account, providerBatchId]);
}

export class MemoryBatches implements Batches {
  readonly #records = new Map<BatchId, BatchRecord>();
  readonly #owners = new Map<string, BatchId>();
  readonly #locks = new Map<string, AccountLock>();
  readonly #times = new Map<string, Map<BatchId, BatchTime>>();
  readonly #holds = new Map<string, AccountHold>();

  async register(plan: PlannedBatch, submitted?: Submission): Promise<void> {
    if (!this.#records.has(plan.batchId))
      this.#records.set(plan.batchId, frozenCopy(newBatchRecord(plan, submitted)));
  }

  async get(id: BatchId): Promise<BatchRecord | undefined> {
    return this.#records.get(id);
  }

  async lease(id: BatchId, now: Instant, until: Instant): Promise<BatchLease | undefined> {
    const batch = leased(this.#standing(id), now, until);
    if (batch === undefined) return undefined;
    this.#records.set(id, frozenCopy(batch));
    return { batchId: id, fence: batch.fence, batch };
  }

  async unlease(lease: BatchLease): Promise<void> {
    this.#change(lease.batchId, (record) => unleased(record, lease));
  }

  async recordIntent(lease: BatchLease, at: Instant): Promise<void> {
    this.#change(lease.batchId, (record) => withIntent(record, lease, at));
  }

  async recordInputFile(lease: BatchLease, fileId: string): Promise<void> {
    this.#change(lease.batchId, (record) => withInputFile(record, lease, fileId));
  }

  async recordSubmitted(
    lease: BatchLease,
    providerBatchId: string,
    at: Instant,
    isProvisional = false,
  ): Promise<void> {
    this.#change(lease.batchId, (record) =>
      withSubmission(record, lease, { providerBatchId, at, isProvisional }),
    );
  }

  async recordRefusal(lease: BatchLease, refusal: NonNullable<BatchRecord["refusal"]>): Promise<void> {
    this.#change(lease.batchId, (record) => withRefusal(record, lease, refusal));
  }

  async recordCollected(lease: BatchLease, settlementKey: string): Promise<string> {
    const record = this.#change(lease.batchId, (record) => withSettlement(record, lease, settlementKey));
    return record.settlementKey ?? settlementKey;
  }

  async recordCancel(id: BatchId, at: Instant): Promise<Instant> {
    return this.#change(id, (record) => withCancel(record, at)).cancelAt ?? at;
  }

  async recordEscalated(id: BatchId, until: Instant): Promise<void> {
    this.#change(id, (record) => withEscalation(record, until));
  }

  async recordAbandoned(lease: BatchLease, at: Instant): Promise<void> {
    this.#change(lease.batchId, (record) => withAbandonment(record, lease, at));
  }

  async restart(id: BatchId, generation: number): Promise<number> {
    return this.#change(id, (record) => restarted(record, generation)).generation;
  }

  async close(id: BatchId, at: Instant, outcome: BatchOutcome): Promise<void> {
    this.#change(id, (record) => closed(record, at, outcome));
  }

  async *listOpen(account: string): AsyncGenerator<PlannedBatch> {
    const open = this.#of(account).filter((record) => record.state !== "closed");
    open.sort((a, b) => byBytes(a.plan.batchId, b.plan.batchId));
    for (const record of open) yield record.plan;
  }

  async *listPlanned(account: string, from: Instant, until: Instant): AsyncGenerator<PlannedBatch> {
    const plans = this.#of(account).map((record) => record.plan);
    const wanted = plans.filter(({ plannedAt }) => from <= plannedAt && plannedAt < until);
    wanted.sort((a, b) => a.plannedAt - b.plannedAt || byBytes(a.batchId, b.batchId));
    for (const plan of wanted) yield plan;
  }

  async recordTime(account: string, time: BatchTime): Promise<void> {
    const times = this.#times.get(account) ?? new Map<BatchId, BatchTime>();
    this.#times.set(account, times.set(time.batchId, frozenCopy(time)));
  }

  async *times(account: string, since: Instant): AsyncGenerator<BatchTime> {
    const times = [...(this.#times.get(account)?.values() ?? [])].filter(({ endedAt }) => endedAt >= since);
    yield* times.toSorted((a, b) => a.endedAt - b.endedAt || byBytes(a.batchId, b.batchId));
  }

  async hold(account: string, hold: AccountHold): Promise<void> {
    const next = held(this.#holds.get(account), hold);
    if (next !== undefined) this.#holds.set(account, frozenCopy(next));
  }

  async holdOf(account: string): Promise<AccountHold | undefined> {
    return this.#holds.get(account);
  }

  async ownProviderBatch(account: string, providerBatchId: string, id: BatchId): Promise<BatchId> {
    const owner = this.#owners.get(ownerKey(account, providerBatchId)) ?? id;
    this.#owners.set(ownerKey(account, providerBatchId), owner);
    return owner;
  }

  async disownProviderBatch(account: string, providerBatchId: string, id: BatchId): Promise<void> {
    const key = ownerKey(account, providerBatchId);
    if (this.#owners.get(key) === id) this.#owners.delete(key);
  }

  async providerBatchOwner(account: string, providerBatchId: string): Promise<BatchId | undefined> {
    return this.#owners.get(ownerKey(account, providerBatchId));
  }

  async lockAccount(account: string, owner: BatchId, now: Instant, until: Instant): Promise<boolean> {
    const lock = locked(this.#locks.get(account), owner, now, until);
    if (lock !== undefined) this.#locks.set(account, lock);
    return lock !== undefined;
  }

  async unlockAccount(account: string, owner: BatchId): Promise<void> {
    if (this.#locks.get(account)?.owner === owner) this.#locks.delete(account);
  }

  #of(account: string): BatchRecord[] {
    return [...this.#records.values()].filter(({ plan }) => plan.group.account === account);
  }

  #standing(id: BatchId): BatchRecord {
    const record = this.#records.get(id);
    if (record === undefined) throw new MissingRecordError(`batch ${id} was never registered`);
    return record;
  }

  #change(id: BatchId, change: (record: BatchRecord) => BatchRecord): BatchRecord {
    const next = frozenCopy(change(this.#standing(id)));
    this.#records.set(id, next);
    return next;
  }
}
