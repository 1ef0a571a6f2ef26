import { isDeepStrictEqual } from "node:util";
import type { AccountHold, BatchOutcome, BatchRecord, PlannedBatch } from "../domain/batch-record.ts";
import { ConflictingRecordError, FencedOffError } from "../domain/failures.ts";
import type { BatchId } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import type { BatchLease } from "../ports.ts";

/**
 * What each method of Batches makes of the record as it stands: the next record, or the same one when there is nothing
 * to change because it was done before. Pure; every adapter applies them to one record at a time.
 */

/** What a batch was sent as. */
export type Submission = {
  readonly providerBatchId: string;
  readonly at: Instant;
  readonly isProvisional?: boolean;
};

export function newBatchRecord(plan: PlannedBatch, submitted?: Submission): BatchRecord {
  return {
    plan,
    state: submitted ? "submitted" : "planned",
    generation: 1,
    fence: 0,
    leaseUntil: 0,
    intentAt: null,
    inputFileId: null,
    providerBatchId: submitted?.providerBatchId ?? null,
    submittedAt: submitted?.at ?? null,
    isProvisional: submitted?.isProvisional ?? false,
    refusal: null,
    cancelAt: null,
    abandonedAt: null,
    escalatedUntil: null,
    settlementKey: null,
    closedAt: null,
    outcome: null,
  };
}

/** The record under a new lease; undefined while another one runs. */
export function leased(record: BatchRecord, now: Instant, until: Instant): BatchRecord | undefined {
  if (record.leaseUntil > now) return undefined;
  return { ...record, fence: record.fence + 1, leaseUntil: until };
}

/** Giving back a lease that moved on is no error: there is nothing left to give back. */
export function unleased(record: BatchRecord, lease: BatchLease): BatchRecord {
  return record.fence === lease.fence && record.leaseUntil !== 0 ? { ...record, leaseUntil: 0 } : record;
}

/** The latest intent counts: until some time after it, a batch that was created may not be listed yet. */
export function withIntent(record: BatchRecord, lease: BatchLease, at: Instant): BatchRecord {
  checkFence(record, lease);
  return record.intentAt === at ? record : { ...record, intentAt: at };
}

export function withInputFile(record: BatchRecord, lease: BatchLease, fileId: string): BatchRecord {
  checkFence(record, lease);
  return record.inputFileId === fileId ? record : { ...record, inputFileId: fileId };
}

/** Throws ConflictingRecordError when the batch already is another one at the provider, or was refused there. */
export function withSubmission(
  record: BatchRecord,
  lease: BatchLease,
  { providerBatchId, at, isProvisional = false }: Submission,
): BatchRecord {
  checkFence(record, lease);
  if (record.providerBatchId === providerBatchId) return record;
  if (record.state !== "planned" || record.refusal !== null)
    throw conflict(lease.batchId, `submitted as ${providerBatchId}`);
  return { ...record, state: "submitted", providerBatchId, submittedAt: at, isProvisional };
}

/** A refused batch stays `planned` until it is collected: there is nothing at the provider to be submitted as. */
export function withRefusal(
  record: BatchRecord,
  lease: BatchLease,
  refusal: NonNullable<BatchRecord["refusal"]>,
): BatchRecord {
  checkFence(record, lease);
  if (isDeepStrictEqual(record.refusal, refusal)) return record;
  if (record.state !== "planned" || record.refusal !== null)
    throw conflict(lease.batchId, `refused with ${refusal.code}`);
  return { ...record, refusal };
}

/** The first settlement stands: a later collector settles by it. */
export function withSettlement(record: BatchRecord, lease: BatchLease, settlementKey: string): BatchRecord {
  checkFence(record, lease);
  if (record.settlementKey !== null) return record;
  return { ...record, state: record.state === "closed" ? "closed" : "collected", settlementKey };
}

/** The first time stands: what came after it is counted from it. */
export function withCancel(record: BatchRecord, at: Instant): BatchRecord {
  return record.cancelAt === null ? { ...record, cancelAt: at } : record;
}

/** The latest stands: what is due before it has been moved. */
export function withEscalation(record: BatchRecord, until: Instant): BatchRecord {
  return (record.escalatedUntil ?? -Infinity) >= until ? record : { ...record, escalatedUntil: until };
}

/** The first time stands: the jobs moved on then. */
export function withAbandonment(record: BatchRecord, lease: BatchLease, at: Instant): BatchRecord {
  checkFence(record, lease);
  return record.abandonedAt === null ? { ...record, abandonedAt: at } : record;
}

/** Whoever asks for the same restart later starts the same execution. */
export function restarted(record: BatchRecord, generation: number): BatchRecord {
  return record.generation === generation ? { ...record, generation: generation + 1 } : record;
}

export function closed(record: BatchRecord, at: Instant, outcome: BatchOutcome): BatchRecord {
  return record.state === "closed" ? record : { ...record, state: "closed", closedAt: at, outcome };
}

/** The hold to store; undefined where one stands that ends no earlier. */
export function held(standing: AccountHold | undefined, hold: AccountHold): AccountHold | undefined {
  return standing !== undefined && standing.until >= hold.until ? undefined : hold;
}

/** Who serialises creates on an account, and until when. */
export type AccountLock = { readonly owner: BatchId; readonly until: Instant };

/** The lock in the owner's hands, extended where it held it already; undefined while another holds it. */
export function locked(
  lock: AccountLock | undefined,
  owner: BatchId,
  now: Instant,
  until: Instant,
): AccountLock | undefined {
  const isHeld = lock !== undefined && lock.owner !== owner && lock.until > now;
  return isHeld ? undefined : { owner, until };
}

function checkFence(record: BatchRecord, lease: BatchLease): void {
  if (record.fence !== lease.fence)
    throw new FencedOffError(`batch ${lease.batchId}: lease ${lease.fence} gave way to ${record.fence}`);
}

function conflict(id: BatchId, what: string): ConflictingRecordError {
  return new ConflictingRecordError(`batch ${id} is to be recorded as ${what}, and holds something else`);
}
