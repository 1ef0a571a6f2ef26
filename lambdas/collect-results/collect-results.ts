import { decideWatch, isUnseenForTooLong } from "../domain/batch-watch.ts";
import type { BatchRecord, PlannedBatch, ProviderBatch, ProviderFiles } from "../domain/batch-record.ts";
import { LeaseHeldError, MissingRecordError, ResultsGoneError, RetryableError } from "../domain/failures.ts";
import { type BatchId, contentHash } from "../domain/ids.ts";
import { jsonLines, lineText } from "../domain/jsonl.ts";
import { manifestId } from "../domain/manifest-id.ts";
import { collectedKey, settlementKey } from "../domain/object-keys.ts";
import { manifestKeyOf, orphanPlan } from "../domain/orphans.ts";
import { readOutputLine } from "../domain/output-line.ts";
import { SettlementFold } from "../domain/settlement-fold.ts";
import type { MissingReason, SettlementPlan } from "../domain/settlement-plan.ts";
import type { Provider } from "../domain/vocabulary.ts";
import { missingReasonOf, refusalReason, refusedRows, worded } from "../domain/whole-batch.ts";
import type { BatchLease, BatchProvider, Batches, ObjectStore, Runtime } from "../ports.ts";
import { lookAt } from "../poll-batch/poll-batch.ts";
import { readSettlement } from "./read-settlement.ts";

/** Longer than the function may run. */
export const COLLECT_LEASE_MS = 16 * 60_000;
/** Until then after its end, a batch without results may only be slow to show them. */
const RESULTS_GRACE_MS = 60 * 60_000;
/** No clock is further off than this. */
const MOST_SKEW_MS = 24 * 60 * 60_000;
const LINE_FEED = Buffer.from("\n");

export type CollectPorts = {
  readonly batches: Batches;
  readonly objects: ObjectStore;
  readonly provider: BatchProvider;
  readonly runtime: Runtime;
};

/**
 * Copies a batch's output from the provider in one pass and fixes the plan of settling it; the first plan stored
 * stands. Returns the number of parts. Memory holds one id per request, never the output.
 */
export async function collectResults(batchId: BatchId, ports: CollectPorts): Promise<number> {
  const now = ports.runtime.now();
  const lease = await ports.batches.lease(batchId, now, now + COLLECT_LEASE_MS);
  const record = lease?.batch ?? (await ports.batches.get(batchId));
  if (!record) throw new MissingRecordError(`batch ${batchId} is not registered`);
  if (record.settlementKey !== null)
    return (await readSettlement(record.settlementKey, ports.objects)).parts.length;
  if (!lease) throw new LeaseHeldError(`batch ${batchId} is being collected by another worker`);
  try {
    const plan = await collect(lease, ports);
    const text = JSON.stringify(plan);
    const key = settlementKey(batchId, lease.batch.generation, contentHash(text, 16));
    await ports.objects.put(key, text);
    const standing = await ports.batches.recordCollected(lease, key);
    return standing === key
      ? plan.parts.length
      : (await readSettlement(standing, ports.objects)).parts.length;
  } finally {
    await ports.batches.unlease(lease);
  }
}

async function collect(lease: BatchLease, ports: CollectPorts): Promise<SettlementPlan> {
  const { batch, batchId } = lease;
  const customIds = await manifestIds(batch.plan, ports.objects);
  const base = { version: 1 as const, batchId, generation: batch.generation, refusedRows: {} };
  const nothing = (providerBatchId: string, providerStatus: string, missingReason: MissingReason) => ({
    ...base,
    providerBatchId,
    providerStatus,
    completedAt: ports.runtime.now(),
    files: null,
    ...new SettlementFold(customIds).finish(),
    missingReason,
  });
  if (batch.refusal !== null) {
    const files = { id: null, inputFileId: batch.inputFileId, outputFileId: null, errorFileId: null };
    return { ...nothing("none", "refused", refusalReason(batch.refusal)), files };
  }
  if (!(await isOurs(batch, ports.batches)))
    return nothing(providerBatchIdOf(batch), "foreign", worded("foreign-output"));
  const ended = await endedBatch(lease, ports);
  if (ended === "lost") return nothing(providerBatchIdOf(batch), "lost", worded("results-gone"));
  if (ended === "given up") {
    // First the watch over what it may yet bill: once the plan stands, nobody else looks at that batch again.
    await watchOn(batch, ports);
    return nothing(providerBatchIdOf(batch), "given-up", worded("stuck"));
  }
  const found = { ...ended, endedAt: endOf(ended, batch.plan, ports.runtime.now()) };
  const { fold, gone } = await copyOutput(lease, found, customIds, ports);
  const folded = fold.finish();
  const { answered, failed, unknown } = folded.counts;
  // A line that cannot be read is nobody's: it makes another's output no more ours.
  const strange = unknown > 0 && answered + failed === 0;
  if (strange && !ports.provider.namesBatches) {
    // So that whoever's it is can have it.
    for (const owner of ownersOf(batch))
      await ports.batches.disownProviderBatch(batch.plan.group.account, found.id, owner);
    return nothing(found.id, "foreign", worded("foreign-output"));
  }
  const rows = refusedRows(found.errors, customIds);
  const named = Object.keys(rows).length > 0;
  return {
    ...base,
    providerBatchId: found.id,
    providerStatus: found.status,
    // Not one line of ours: it may be somebody else's after all.
    files: batch.isProvisional && answered + failed === 0 ? null : filesOf(found),
    completedAt: found.endedAt,
    ...folded,
    refusedRows: rows,
    missingReason: gone ? worded("results-gone") : missingReasonOf(found, named, batch.cancelAt !== null),
  };
}

/** The provider's word for when the batch ended; ours where that cannot be, since charges and holds are dated by it. */
function endOf({ endedAt, createdAt }: ProviderBatch, { plannedAt }: PlannedBatch, now: number): number {
  const told = endedAt ?? createdAt;
  return told >= plannedAt - MOST_SKEW_MS && told <= now + MOST_SKEW_MS ? told : now;
}

function filesOf({ id, inputFileId, outputFileId, errorFileId }: ProviderBatch): ProviderFiles {
  return { id, inputFileId, outputFileId, errorFileId };
}

function providerBatchIdOf({ plan, providerBatchId }: BatchRecord): string {
  if (providerBatchId === null) throw new MissingRecordError(`batch ${plan.batchId} was not submitted`);
  return providerBatchId;
}

/** Who may own a batch's provider batch: itself, and for an orphan the batch that it doubles, which had it before. */
function ownersOf({ plan }: BatchRecord): BatchId[] {
  return plan.orphanOf === null ? [plan.batchId] : [plan.batchId, plan.orphanOf];
}

/** Not when it was disowned: an earlier run found another's requests in it, and somebody else may settle it by now. */
async function isOurs(batch: BatchRecord, batches: Batches): Promise<boolean> {
  const owner = await batches.providerBatchOwner(batch.plan.group.account, providerBatchIdOf(batch));
  return owner !== undefined && ownersOf(batch).includes(owner);
}

/**
 * The provider's batch once it has ended; "lost" when it has it no longer, "given up" for one that hangs for too long. That is decided once, under the
 * lease: from then on what comes of it is the orphan's to settle, even if it ends a moment later.
 */
async function endedBatch(
  lease: BatchLease,
  ports: CollectPorts,
): Promise<ProviderBatch | "given up" | "lost"> {
  const { batch } = lease;
  if (batch.abandonedAt !== null) return "given up";
  const found = await lookAt(batch, providerBatchIdOf(batch), ports);
  if (found === "lost") return found;
  const now = ports.runtime.now();
  if (found !== "unseen") {
    if (found.phase === "ended") return found;
    if (decideWatch(found, batch, now) !== "abandon")
      throw new RetryableError(`provider batch ${found.id} is still ${found.status}`);
  }
  await ports.batches.recordAbandoned(lease, now);
  return "given up";
}

/** Registers the provider's batch as an orphan: its jobs move on, and what it may yet bill is settled when it ends. */
async function watchOn(batch: BatchRecord, ports: CollectPorts): Promise<void> {
  // One that was watched as an orphan already was watched for long enough.
  if (batch.plan.orphanOf !== null) return;
  const providerBatchId = providerBatchIdOf(batch);
  const { isProvisional, submittedAt, plan } = batch;
  const submitted = { providerBatchId, at: submittedAt ?? plan.plannedAt, isProvisional };
  await ports.batches.register(orphanPlan(batch.plan, providerBatchId), submitted);
}

/** Copies the output, in one pass; `gone`: the provider says that it does not have (all of) it any more. */
async function copyOutput(
  { batch, batchId, fence }: BatchLease,
  ended: ProviderBatch,
  customIds: readonly string[],
  ports: CollectPorts,
): Promise<{ readonly fold: SettlementFold; readonly gone: boolean }> {
  const fold = new SettlementFold(customIds);
  let gone = false;
  for (const file of ["output", "errors"] as const) {
    const key = collectedKey(batchId, batch.generation, fence, file);
    const bytes = untilGivenUp(ports.provider.output(ended, file), batch, ports, () => (gone = true));
    const lines = foldedLines(bytes, key, fold, batch.plan.group.provider);
    try {
      await storeUnlessEmpty(lines, key, ports.objects);
    } catch (error) {
      if (!(error instanceof ResultsGoneError)) throw error;
      const begun = fold.lastKey === key;
      if (begun || ports.runtime.now() < (ended.endedAt ?? ended.createdAt) + RESULTS_GRACE_MS)
        throw new RetryableError(`provider batch ${ended.id} has ended, and its results cannot be read yet`);
      gone = true;
    }
  }
  return { fold, gone };
}

/** An output; `onGivenUp` when it breaks off though it was tried for days: then what came of it is all there is. */
async function* untilGivenUp(
  output: AsyncIterable<Uint8Array>,
  batch: BatchRecord,
  ports: Pick<CollectPorts, "runtime">,
  onGivenUp: () => void,
): AsyncGenerator<Uint8Array> {
  try {
    yield* output;
  } catch (error) {
    if (!isUnseenForTooLong(batch, ports.runtime.now())) throw error;
    onGivenUp();
  }
}

async function manifestIds(plan: PlannedBatch, objects: ObjectStore): Promise<string[]> {
  const ids: string[] = [];
  for await (const { bytes } of jsonLines(objects.stream(manifestKeyOf(plan)))) ids.push(manifestId(bytes));
  return ids;
}

/** Passes lines through to the bucket, normalised to one line feed each, and tells the fold about each. */
async function* foldedLines(
  output: AsyncIterable<Uint8Array>,
  key: string,
  fold: SettlementFold,
  provider: Provider,
): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of jsonLines(output)) {
    const read = readOutputLine(provider, lineText({ bytes }));
    const rank = read.kind === "answered" ? "answered" : "failed";
    fold.add(
      key,
      bytes.byteLength + 1,
      read.kind === "unparseable" ? undefined : { customId: read.customId, rank },
    );
    yield bytes;
    yield LINE_FEED;
  }
}

async function storeUnlessEmpty(
  lines: AsyncGenerator<Uint8Array>,
  key: string,
  objects: ObjectStore,
): Promise<void> {
  const first = await lines.next();
  if (first.done === true) return;
  await objects.putStream(
    key,
    (async function* () {
      yield first.value;
      yield* lines;
    })(),
  );
}
