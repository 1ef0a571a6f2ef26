import type { BatchRecord, ProviderBatch } from "../domain/batch-record.ts";
import {
  ConflictingRecordError,
  LeaseHeldError,
  MissingRecordError,
  RetryableError,
} from "../domain/failures.ts";
import { type BatchId, contentHash } from "../domain/ids.ts";
import { jsonLines, lineText } from "../domain/jsonl.ts";
import { manifestId } from "../domain/manifest-id.ts";
import { batchManifestKey, collectedKey, settlementKey } from "../domain/object-keys.ts";
import { readOutputLine } from "../domain/output-line.ts";
import { SettlementFold } from "../domain/settlement-fold.ts";
import { type SettlementPlan, settlementPlanSchema } from "../domain/settlement-plan.ts";
import type { Provider } from "../domain/vocabulary.ts";
import type { BatchLease, BatchProvider, Batches, ObjectStore, Runtime } from "../ports.ts";
import { parseStoredJson } from "../domain/stored-json.ts";

/** Longer than the function may run. */
export const COLLECT_LEASE_MS = 16 * 60_000;
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

export async function readSettlement(key: string, objects: ObjectStore): Promise<SettlementPlan> {
  const bytes = await objects.get(key);
  if (bytes === undefined) throw new MissingRecordError(`${key} is missing`);
  return parseStoredJson(settlementPlanSchema, bytes);
}

async function collect(lease: BatchLease, ports: CollectPorts): Promise<SettlementPlan> {
  const { batch, batchId, fence } = lease;
  const customIds = await manifestIds(batchId, ports.objects);
  const fold = new SettlementFold(customIds);
  const base = { version: 1 as const, batchId, generation: batch.generation };
  if (batch.refusal !== null) {
    return {
      ...base,
      providerBatchId: "none",
      providerStatus: "refused",
      completedAt: ports.runtime.now(),
      ...fold.finish(),
      refusedRows: {},
      batchError: batch.refusal,
    };
  }
  const ended = await endedBatch(batch, ports.provider);
  for (const file of ["output", "errors"] as const) {
    const key = collectedKey(batchId, batch.generation, fence, file);
    const lines = foldedLines(ports.provider.output(ended, file), key, fold, batch.plan.group.provider);
    await storeUnlessEmpty(lines, key, ports.objects);
  }
  const folded = fold.finish();
  if (folded.counts.lines > 0 && folded.counts.unknown === folded.counts.lines) {
    throw new ConflictingRecordError(
      `provider batch ${ended.id} holds no line of batch ${batchId}: it is not ours`,
    );
  }
  return {
    ...base,
    providerBatchId: ended.id,
    providerStatus: ended.status,
    completedAt: ended.endedAt ?? ended.createdAt,
    ...folded,
    refusedRows: refusedRows(ended, customIds),
    batchError: wholeBatchError(ended),
  };
}

async function endedBatch(batch: BatchRecord, provider: BatchProvider): Promise<ProviderBatch> {
  if (batch.providerBatchId === null)
    throw new MissingRecordError(`batch ${batch.plan.batchId} was not submitted`);
  const found = await provider.get(batch.providerBatchId);
  if (found.phase !== "ended")
    throw new RetryableError(`provider batch ${found.id} is still ${found.status}`);
  return found;
}

async function manifestIds(batchId: BatchId, objects: ObjectStore): Promise<string[]> {
  const ids: string[] = [];
  for await (const { bytes } of jsonLines(objects.stream(batchManifestKey(batchId))))
    ids.push(manifestId(bytes));
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

/** The rows that the provider named when it refused the whole batch, by custom id: its lines count from 1. */
function refusedRows(ended: ProviderBatch, customIds: readonly string[]): SettlementPlan["refusedRows"] {
  const rows: SettlementPlan["refusedRows"] = {};
  for (const { line, code, message } of ended.errors) {
    const customId = line === null ? undefined : customIds[line - 1];
    if (customId !== undefined) rows[customId] = { code, message };
  }
  return rows;
}

function wholeBatchError(ended: ProviderBatch): SettlementPlan["batchError"] {
  const general = ended.errors.find(({ line }) => line === null) ?? ended.errors[0];
  return general ? { code: general.code, message: general.message } : null;
}
