import type { BatchRecord } from "../domain/batch-record.ts";
import { isWaitedFor } from "../domain/cut-offs.ts";
import {
  LeaseHeldError,
  MissingRecordError,
  ProviderRefusalError,
  RetryableError,
} from "../domain/failures.ts";
import type { BatchId } from "../domain/ids.ts";
import { batchInputKey } from "../domain/object-keys.ts";
import { EXPIRES_AFTER_DUE_MS } from "../domain/planner.ts";
import type { BatchLease, BatchProvider, Batches, Runtime } from "../ports.ts";

/** Longer than the function may run: a lease ends by itself only when its holder is dead. */
export const SUBMIT_LEASE_MS = 16 * 60_000;
/** Longer than a dead holder's lease and the waits until its batch is taken up again, failing now and then. */
const ACCOUNT_LOCK_MS = 60 * 60_000;
/** How long a batch that was created may stay out of the provider's list; until then nothing is created again. */
const ADOPTION_GRACE_MS = 60_000;
/** The provider's clock may be behind ours. */
const CLOCK_SKEW_MS = 5 * 60_000;

/** Why a batch is given back that no provider took in all that time: each of its jobs is planned anew, or expires. */
const NOT_SUBMITTED = {
  code: "not_submitted",
  message: "the provider could not be given the batch until long after its first request was due",
} as const;

/** A batch that nobody waits for is looked for longer: without names, its results may be all that would ever show whose it is. */
const UNNEEDED_GRACE_MS = 20 * 60_000;

/** Why a batch is given back whose jobs did not wait for it: nothing of it is left to run. */
const NOT_NEEDED = {
  code: "batch_not_needed",
  message: "every job of the batch had moved to a faster lane before the provider could be given it",
} as const;

export type SubmitPorts = {
  readonly batches: Batches;
  readonly provider: BatchProvider;
  readonly runtime: Runtime;
};

/** `isUnneeded`: nobody was asked, since no job waits for the batch any more. */
export type Submission =
  | { readonly kind: "submitted" }
  | { readonly kind: "refused"; readonly isUnneeded?: true };

/**
 * Has the provider run a written batch, once. No provider's create is idempotent: the intent is stored before it is
 * sent, and after any doubt the provider's list is searched, and what is found adopted, before another is created.
 */
export async function submitBatch(batchId: BatchId, ports: SubmitPorts): Promise<Submission> {
  const now = ports.runtime.now();
  const lease = await ports.batches.lease(batchId, now, now + SUBMIT_LEASE_MS);
  if (!lease) return submittedElsewhere(await ports.batches.get(batchId), batchId);
  try {
    return await (ports.provider.namesBatches ? submit(lease, ports) : submitAlone(lease, ports));
  } finally {
    await ports.batches.unlease(lease);
  }
}

function submittedElsewhere(batch: BatchRecord | undefined, batchId: BatchId): Submission {
  if (!batch) throw new MissingRecordError(`batch ${batchId} is not registered`);
  const done = settled(batch);
  if (done) return done;
  throw new LeaseHeldError(`batch ${batchId} is being submitted by another worker`);
}

/** What an earlier run already came to. */
function settled(batch: BatchRecord): Submission | undefined {
  if (batch.refusal !== null) return refusedWith(batch.refusal);
  return batch.providerBatchId !== null || batch.state !== "planned" ? { kind: "submitted" } : undefined;
}

async function submit(lease: BatchLease, ports: SubmitPorts): Promise<Submission> {
  const { batch, batchId } = lease;
  const done = settled(batch);
  if (done) return done;
  if (ports.runtime.now() >= batch.plan.earliestDue + EXPIRES_AFTER_DUE_MS) {
    // Whatever a lost create may have made is found as an orphan then.
    return refuse(lease, NOT_SUBMITTED, ports);
  }
  if (batch.intentAt !== null) {
    const found = await findCreated(batch, ports);
    if (found !== undefined) return recordSubmitted(lease, found, !ports.provider.namesBatches, ports);
    const grace = isWaitedFor(batch) ? ADOPTION_GRACE_MS : UNNEEDED_GRACE_MS;
    if (ports.runtime.now() < batch.intentAt + grace) {
      throw new RetryableError(
        `batch ${batchId} may have been created: looking again before creating another`,
      );
    }
  }
  // Only now: what a lost create has made is billed, so that it is adopted first and cancelled when it is looked at.
  return isWaitedFor(batch) ? create(lease, ports) : refuse(lease, NOT_NEEDED, ports);
}

/**
 * Our batch at the provider, from a create whose answer was lost: none was sent before the batch was planned. Of several
 * the first created: the others are found later, as orphans. Without names it is an unregistered one with our count:
 * collecting verifies it by its custom ids.
 */
async function findCreated(batch: BatchRecord, ports: SubmitPorts): Promise<string | undefined> {
  const { batchId, group, requests, plannedAt } = batch.plan;
  const candidates: string[] = [];
  for await (const listed of ports.provider.listSince(plannedAt - CLOCK_SKEW_MS)) {
    const ours = ports.provider.namesBatches
      ? listed.batchId === batchId
      : listed.batch.counts.total === requests;
    if (ours) candidates.push(listed.batch.id);
  }
  for (const id of candidates.toReversed()) {
    const owner = await ports.batches.providerBatchOwner(group.account, id);
    if (owner === undefined || owner === batchId) return id;
  }
  return undefined;
}

/**
 * On an account whose batches carry no name, one batch at a time is looked for or created. A submission that threw keeps
 * the lock, and extends it whenever it comes back: meanwhile its doubtful batch is the only unregistered one.
 */
async function submitAlone(lease: BatchLease, ports: SubmitPorts): Promise<Submission> {
  const { account } = lease.batch.plan.group;
  const now = ports.runtime.now();
  if (!(await ports.batches.lockAccount(account, lease.batchId, now, now + ACCOUNT_LOCK_MS))) {
    throw new LeaseHeldError(`another batch is being created on account ${account}`);
  }
  // Also for what an earlier run came to: it may have died with the lock.
  const submission = await submit(lease, ports);
  await ports.batches.unlockAccount(account, lease.batchId);
  return submission;
}

async function create(lease: BatchLease, ports: SubmitPorts): Promise<Submission> {
  const { batch, batchId } = lease;
  const { endpoint } = batch.plan.group;
  const inputKey = batchInputKey(batchId);
  try {
    const inputFileId = batch.inputFileId ?? (await upload(lease, inputKey, ports));
    await ports.batches.recordIntent(lease, ports.runtime.now());
    const created = await ports.provider.create({ batchId, endpoint, inputKey, inputFileId });
    return await recordSubmitted(lease, created.id, false, ports);
  } catch (error) {
    if (!(error instanceof ProviderRefusalError)) throw error;
    return refuse(lease, { code: error.code, message: error.message }, ports);
  }
}

async function refuse(
  lease: BatchLease,
  refusal: NonNullable<BatchRecord["refusal"]>,
  ports: SubmitPorts,
): Promise<Submission> {
  await ports.batches.recordRefusal(lease, refusal);
  return refusedWith(refusal);
}

function refusedWith({ code }: { readonly code: string }): Submission {
  return { kind: "refused", ...(code === NOT_NEEDED.code && { isUnneeded: true as const }) };
}

async function upload(lease: BatchLease, inputKey: string, ports: SubmitPorts): Promise<string | null> {
  const fileId = await ports.provider.upload({ key: inputKey, name: `${lease.batchId}.jsonl` });
  if (fileId !== null) await ports.batches.recordInputFile(lease, fileId);
  return fileId;
}

async function recordSubmitted(
  lease: BatchLease,
  providerBatchId: string,
  isProvisional: boolean,
  ports: SubmitPorts,
): Promise<Submission> {
  const { account } = lease.batch.plan.group;
  const owner = await ports.batches.ownProviderBatch(account, providerBatchId, lease.batchId);
  if (owner !== lease.batchId) {
    throw new RetryableError(
      `provider batch ${providerBatchId} belongs to ${owner}, not to ${lease.batchId}`,
    );
  }
  await ports.batches.recordSubmitted(lease, providerBatchId, ports.runtime.now(), isProvisional);
  return { kind: "submitted" };
}
