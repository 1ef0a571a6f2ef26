import type {
  AccountHold,
  BatchOutcome,
  BatchRecord,
  PlannedBatch,
  ProviderBatch,
  ProviderFiles,
} from "./domain/batch-record.ts";
import type { BatchTime } from "./domain/batch-time.ts";
import type { BudgetDay, ChunkState, Reservation, Reserved } from "./domain/budget.ts";
import type { BatchId, JobId, SegmentId, TenantId, WindowId } from "./domain/ids.ts";
import type { Instant } from "./domain/instant.ts";
import type { DeadLetter, Delivery, RunRequest } from "./domain/internal-messages.ts";
import type {
  Claim,
  ClaimOutcome,
  DeadLetterMove,
  DirectLease,
  Job,
  JobEnd,
  LeaseOutcome,
  RequeueMove,
  TransitionOutcome,
} from "./domain/job-state.ts";
import type { LedgerEntry } from "./domain/ledger-entry.ts";
import type { PlaceRequest, Places } from "./domain/rate-limit.ts";
import type { Tenant } from "./domain/tenant-policy.ts";
import type { DirectLane, Endpoint, Provider, Tier } from "./domain/vocabulary.ts";
import type { Workload } from "./domain/workloads.ts";

/**
 * The outside world as the use cases see it. Each port has a memory adapter and an AWS (or provider) adapter, and one
 * contract suite in test/contracts that both pass. A method that decides a race is one conditional write; its
 * specification is the pure function that its comment names.
 */

/** The gateway bucket. Bytes are immutable once read by anyone: writers use deterministic or content-named keys. */
export interface ObjectStore {
  readonly bucket: string;
  put(key: string, body: string | Uint8Array): Promise<void>;
  /** Streams into a multipart upload; the object appears whole or not at all. Returns its size in bytes. */
  putStream(key: string, chunks: AsyncIterable<Uint8Array>): Promise<number>;
  /** The whole object, or undefined when there is none. For objects known to be small. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** `length` bytes from `offset`. Throws MissingRecordError when the object is not there. */
  getRange(key: string, offset: number, length: number): Promise<Uint8Array>;
  /** The object's bytes in order, never held whole. Throws MissingRecordError when the object is not there. */
  stream(key: string): AsyncIterable<Uint8Array>;
  /** Size in bytes, or undefined when there is no such object. */
  size(key: string): Promise<number | undefined>;
  /** Keys under a prefix in ascending order, with the time each was last written. */
  list(prefix: string): AsyncIterable<{ readonly key: string; readonly writtenAt: Instant }>;
  /** Deletes; a missing key is no error. */
  delete(keys: readonly string[]): Promise<void>;
}

export interface JobMap {
  get(tenantId: TenantId, jobId: JobId): Promise<Job | undefined>;
  /** Each job in the order asked for. May be a moment old: only what ended or moved on in it is certain. */
  getMany(
    jobs: readonly { readonly tenantId: TenantId; readonly jobId: JobId }[],
  ): Promise<readonly (Job | undefined)[]>;
  /** decideClaim */
  claim(claim: Claim): Promise<ClaimOutcome>;
  /** decideLease */
  lease(lease: DirectLease): Promise<LeaseOutcome>;
  /** decideEnd */
  end(end: JobEnd): Promise<TransitionOutcome>;
  /** decideRequeue */
  requeue(move: RequeueMove): Promise<TransitionOutcome>;
  /** decideDeadLetter */
  deadLetter(move: DeadLetterMove): Promise<TransitionOutcome>;
}

export interface Ledger {
  /**
   * Puts each entry if its key is free. An entry already there must be equal: otherwise throws
   * ConflictingRecordError naming the key, after trying all.
   */
  record(entries: readonly LedgerEntry[]): Promise<void>;
  /** Entries of a tenant with `from <= date <= to` (UTC days), in key order. */
  entries(tenantId: TenantId, from: string, to: string): AsyncIterable<LedgerEntry>;
}

export interface Tenants {
  /** May be up to 30 s old. */
  get(tenantId: TenantId): Promise<Tenant | undefined>;
  /** Stores a policy as the next revision (its salt stays); keeps the one before as history. */
  put(tenant: Tenant): Promise<void>;
  list(): AsyncIterable<Tenant>;
  /** Tenants that may have a workload on: whose policies have or had it. Which ones have it now their policies say. */
  withWorkload(workload: Workload): AsyncIterable<TenantId>;
}

/** What tenants have used of their limits. Only tenants that have a limit are ever asked about. */
export interface Budgets {
  /** decidePlaces */
  takePlaces(tenantId: TenantId, wanted: PlaceRequest): Promise<Places>;
  /** decideReserve, in the budget of a UTC day */
  reserve(tenantId: TenantId, day: string, reservation: Reservation): Promise<Reserved>;
  /** decideSettle */
  settle(tenantId: TenantId, day: string, chunk: string, state: ChunkState): Promise<void>;
  /** What is used of a day's budget; undefined where nothing was ever reserved. */
  get(tenantId: TenantId, day: string): Promise<BudgetDay | undefined>;
  /** Every tenant's budget of some UTC days in which something was reserved, day by day and in order. */
  list(
    days: readonly string[],
  ): AsyncIterable<{ readonly tenantId: TenantId; readonly day: string; readonly budget: BudgetDay }>;
}

/** The windows of assembly: serialised by one head, so that no two windows ever take the same segment. */
export interface Windows {
  /**
   * The window to work on: `wanted` when the head is free and older (it is now held by `wanted`), the head's own while
   * it is held (whoever held it may have died: go on with it), or undefined when `wanted` was already released.
   */
  acquire(wanted: WindowId): Promise<WindowId | undefined>;
  /** Stores the hash of the window's frozen list or plan if there is none; returns the one that stands. */
  settle(id: WindowId, what: "frozen" | "plan", hash: string): Promise<string>;
  /** The hash stored by `settle`, if any. */
  settled(id: WindowId, what: "frozen" | "plan"): Promise<string | undefined>;
  /** Marks segments as taken by the window, for good. Idempotent. */
  markTaken(id: WindowId, segments: readonly SegmentId[]): Promise<void>;
  /** Which of these segments some window has taken. */
  taken(segments: readonly SegmentId[]): Promise<ReadonlySet<SegmentId>>;
  /** Frees the head if the window holds it. Idempotent. */
  release(id: WindowId): Promise<void>;
}

/** A fenced lease: writes under it are refused once another lease was given. */
export type BatchLease = { readonly batchId: BatchId; readonly fence: number; readonly batch: BatchRecord };

export interface Batches {
  /**
   * Registers a planned batch and its rows among its account's open and recent ones, if absent. Idempotent. An orphan is
   * registered as submitted already: `submitted` says as what.
   */
  register(
    plan: PlannedBatch,
    submitted?: {
      readonly providerBatchId: string;
      readonly at: Instant;
      readonly isProvisional?: boolean;
    },
  ): Promise<void>;
  get(id: BatchId): Promise<BatchRecord | undefined>;
  /** Takes the lease when it is free or over (`leaseUntil <= now`), raising the fence; undefined when it is held. */
  lease(id: BatchId, now: Instant, until: Instant): Promise<BatchLease | undefined>;
  /** Gives the lease back, if the fence is still ours. */
  unlease(lease: BatchLease): Promise<void>;
  /** Each of these writes under the lease's fence and throws FencedOffError when it moved on. */
  recordIntent(lease: BatchLease, at: Instant): Promise<void>;
  recordInputFile(lease: BatchLease, fileId: string): Promise<void>;
  recordSubmitted(
    lease: BatchLease,
    providerBatchId: string,
    at: Instant,
    isProvisional?: boolean,
  ): Promise<void>;
  recordRefusal(lease: BatchLease, refusal: NonNullable<BatchRecord["refusal"]>): Promise<void>;
  /** Notes that the batch was given up, for good: whatever its provider batch comes to is another's to settle. */
  recordAbandoned(lease: BatchLease, at: Instant): Promise<void>;
  /** Stores the settlement plan's key if there is none for the generation; returns the one that stands. */
  recordCollected(lease: BatchLease, settlementKey: string): Promise<string>;
  /** Notes that the provider was asked to cancel the batch: the first time stands and is returned. */
  recordCancel(id: BatchId, at: Instant): Promise<Instant>;
  /** Notes that the batch's jobs due by `until` were moved to a faster lane: the latest stands. Idempotent. */
  recordEscalated(id: BatchId, until: Instant): Promise<void>;
  /** Raises the generation by one if it still is `generation`; returns the one that stands. */
  restart(id: BatchId, generation: number): Promise<number>;
  /** Ends the batch and takes it from its account's open ones. Idempotent: the first outcome stands. */
  close(id: BatchId, at: Instant, outcome: BatchOutcome): Promise<void>;
  /** Open batches of a provider account. */
  listOpen(account: string): AsyncIterable<PlannedBatch>;
  /** Batches of an account planned at or after `from` and before `until`, in that order, open or closed; kept 35 days. */
  listPlanned(account: string, from: Instant, until: Instant): AsyncIterable<PlannedBatch>;
  /** Keeps how long a batch of an account took, once for each batch; kept 35 days. */
  recordTime(account: string, time: BatchTime): Promise<void>;
  /** The times of an account's batches that ended at or after `since`, in that order. */
  times(account: string, since: Instant): AsyncIterable<BatchTime>;
  /** Holds an account: the later of two ends stands. */
  hold(account: string, hold: AccountHold): Promise<void>;
  /** The account's latest hold, which may be over. */
  holdOf(account: string): Promise<AccountHold | undefined>;
  /**
   * Names the owner of a provider's batch: ours if nobody was named before. Returns the batch that owns it. So that no
   * provider batch is adopted twice.
   */
  ownProviderBatch(account: string, providerBatchId: string, id: BatchId): Promise<BatchId>;
  /** Gives a provider's batch up, if `id` owns it: it turned out to be another's. */
  disownProviderBatch(account: string, providerBatchId: string, id: BatchId): Promise<void>;
  /** Who owns a provider's batch, if anybody does. */
  providerBatchOwner(account: string, providerBatchId: string): Promise<BatchId | undefined>;
  /** Serialises creates on an account that cannot name its batches (Anthropic); false while another owner holds it. */
  lockAccount(account: string, owner: BatchId, now: Instant, until: Instant): Promise<boolean>;
  unlockAccount(account: string, owner: BatchId): Promise<void>;
}

/** One queue of ours. `send` throws RetryableError unless every message was taken. */
export interface Outbox<Message> {
  send(messages: readonly Message[]): Promise<void>;
}
export type DeliveryQueue = Outbox<Delivery>;
export type RunQueue = Outbox<RunRequest>;

export interface DeadLetterQueues {
  send(tier: Tier, letter: DeadLetter): Promise<void>;
}

/** A message received from a dead-letter queue. */
export type ReceivedLetter = {
  readonly body: string;
  readonly receipt: string;
  readonly messageId: string;
  /** SQS `SenderId` of whoever sent it first; null when the queue does not tell. */
  readonly senderId: string | null;
  /** When SQS first took it. */
  readonly sentAt: number;
  /** Whether SQS moved it here after too many failures; otherwise it was sent here. */
  readonly moved: boolean;
};

export interface DeadLetterInbox {
  /** Up to `limit` messages of one dead-letter queue, hidden from other readers for a while; none when it is empty. */
  receive(limit?: number): Promise<readonly ReceivedLetter[]>;
  delete(receipts: readonly string[]): Promise<void>;
  /** Shows messages to other readers again. */
  release(receipts: readonly string[]): Promise<void>;
}

/** The tenants' own queues: messages of at most 1 MiB each, in as few sends as SQS allows. */
export interface TenantQueues {
  send(queueUrl: string, bodies: readonly string[]): Promise<void>;
}

/** One provider account's batch service. Calls throw RetryableError for what may pass, TerminalError for the rest. */
export interface BatchProvider {
  readonly provider: Provider;
  /** Whether the provider's batches carry our id, so that one is recognised when its create's answer was lost. */
  readonly namesBatches: boolean;
  /** Uploads the input if the provider takes files; null where the input goes with `create`. */
  upload(input: { readonly key: string; readonly name: string }): Promise<string | null>;
  /** Creates the batch: never idempotent, never retried inside. */
  create(input: {
    readonly batchId: BatchId;
    readonly endpoint: Endpoint;
    readonly inputKey: string;
    readonly inputFileId: string | null;
  }): Promise<ProviderBatch>;
  get(providerBatchId: string): Promise<ProviderBatch>;
  /** Batches created at or after `since`, with our id where the provider keeps it. */
  listSince(
    since: Instant,
  ): AsyncIterable<{ readonly batch: ProviderBatch; readonly batchId: BatchId | null }>;
  /**
   * The bytes of an output. `errors`: where the provider keeps unanswered lines apart; nothing when it has none. Throws
   * ResultsGoneError when the provider says that it has them no longer.
   */
  output(batch: ProviderBatch, file: "output" | "errors"): AsyncIterable<Uint8Array>;
  /** Asks the provider to stop the batch; what has ended already is left as it is. */
  cancel(providerBatchId: string): Promise<void>;
  /** Deletes what the provider keeps of an ended batch: input, output and errors. What is gone already is no error. */
  deleteFiles(files: ProviderFiles): Promise<void>;
}

/** What came of one direct call. `answered` also for a refusal of the request; a lost answer is a thrown error. */
export type CallAnswer = {
  readonly statusCode: number;
  readonly body: unknown;
  /** Milliseconds the provider asks to wait, if it did. */
  readonly retryAfterMs: number | null;
  /** What the provider's headers say is left of the account's rate limits for the model; absent where they say nothing. */
  readonly allowance?: RateAllowance;
};

/** Calls that an account may still make for a model, the milliseconds until that is whole again, and how many that is. */
export type RateAllowance = { readonly requests: number; readonly resetMs: number; readonly limit?: number };

export interface DirectProvider {
  readonly provider: Provider;
  /**
   * One call in a lane (`sync` where none is named), never retried inside. Throws LostAnswerError when nobody knows whether
   * it ran, NotSentError when it did not.
   */
  call(
    endpoint: Endpoint,
    body: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
    lane?: DirectLane,
  ): Promise<CallAnswer>;
}

/** The executions of RunBatch, named `<batchId>-<generation>`. */
export interface Executions {
  /** Starts one; an execution that has the name already is left as it is. */
  startRunBatch(batchId: BatchId, generation: number): Promise<void>;
  /** `none`: no execution of that name was started in the last 90 days. `ended`: in whatever way. */
  runBatchStatus(batchId: BatchId, generation: number): Promise<"running" | "ended" | "none">;
}

/** The clock and the names of things that must be unique; seeded in simulation. */
export interface Runtime {
  now(): Instant;
  uniqueId(): string;
  /** Milliseconds. */
  sleep(duration: number): Promise<void>;
}
