import { PassThrough } from "node:stream";
import { once } from "node:events";
import type { PlannedBatch } from "../domain/batch-record.ts";
import { MissingRecordError, RetryableError, TerminalError } from "../domain/failures.ts";
import { type BatchId, customIdOf } from "../domain/ids.ts";
import {
  type IndexEntry,
  indexEntrySchema,
  JOB_RECORD_VERSION,
  jobRecordSchema,
  type ManifestEntry,
} from "../domain/job-record.ts";
import { encodeLine, jsonLines } from "../domain/jsonl.ts";
import { batchInputKey, batchManifestKey } from "../domain/object-keys.ts";
import { encodeRequestLine } from "../domain/request-line.ts";
import type { Batches, ObjectStore } from "../ports.ts";
import { parseStoredJson } from "../domain/stored-json.ts";

export type WriteBatchPorts = { readonly objects: ObjectStore; readonly batches: Batches };

/**
 * Writes a planned batch's input file and the manifest beside it, both streamed: memory stays flat whatever the size.
 * Content depends on the plan alone, so a re-run writes the same; what is already whole is left alone.
 */
export async function writeBatch(batchId: BatchId, ports: WriteBatchPorts): Promise<void> {
  const record = await ports.batches.get(batchId);
  if (!record) throw new MissingRecordError(`batch ${batchId} is not registered`);
  const { plan } = record;
  // An orphan was sent already, under the name of the batch it doubles.
  if (plan.orphanOf !== null) return;
  const inputKey = batchInputKey(batchId);
  const manifestKey = batchManifestKey(batchId);
  // Objects appear whole or not at all; one of another size was written by something that has been mended since.
  const [inputSize, manifestSize] = await Promise.all([
    ports.objects.size(inputKey),
    ports.objects.size(manifestKey),
  ]);
  if (inputSize === plan.inputBytes && manifestSize !== undefined) return;
  const manifest = new PassThrough();
  // Whoever reads it meets its error; one that nobody listens to yet would end the process.
  manifest.on("error", () => {});
  const manifestWritten = ports.objects.putStream(manifestKey, manifest);
  const [inputBytes] = await Promise.all([
    ports.objects.putStream(inputKey, inputLines(plan, manifest, ports.objects)),
    manifestWritten,
  ]);
  if (inputBytes !== plan.inputBytes) {
    throw new TerminalError(
      `batch ${batchId}: wrote ${inputBytes} bytes where ${plan.inputBytes} were planned`,
    );
  }
}

/** The provider's lines; each one's manifest entry goes to `manifest` on the way. */
async function* inputLines(
  plan: PlannedBatch,
  manifest: PassThrough,
  objects: ObjectStore,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const { entry, line } of plannedLines(plan, objects)) {
      const { body, ...job } = parseStoredJson(jobRecordSchema, line);
      if (job.jobId !== entry.jobId)
        throw new TerminalError(`${entry.source.key}: line ${entry.source.line} is not ${entry.jobId}`);
      const customId = customIdOf(job.jobId, entry.attempt);
      const { attempt, roundStart, source } = entry;
      const row: ManifestEntry = {
        customId,
        version: JOB_RECORD_VERSION,
        attempt,
        roundStart,
        source,
        job: { ...job, group: plan.group },
      };
      if (!manifest.write(encodeLine(row))) await once(manifest, "drain");
      yield Buffer.from(encodeRequestLine(job.group.provider, customId, job.group.endpoint, body));
    }
    manifest.end();
  } finally {
    // Left early: the manifest must not end as if it were complete.
    if (!manifest.writableEnded)
      manifest.destroy(new RetryableError("the batch's input was not written to its end"));
  }
}

type PlannedLine = { readonly entry: IndexEntry; readonly line: Uint8Array };

/** The planned entries with their segment lines. Entries come in segment order: each segment is read once, forwards. */
async function* plannedLines(plan: PlannedBatch, objects: ObjectStore): AsyncGenerator<PlannedLine> {
  let segment:
    | { readonly key: string; readonly lines: AsyncIterator<{ bytes: Uint8Array; offset: number }> }
    | undefined;
  for await (const { bytes } of jsonLines(objects.stream(plan.linesKey))) {
    const entry = parseStoredJson(indexEntrySchema, bytes);
    const { key, offset } = entry.source;
    if (segment?.key !== key) {
      await segment?.lines.return?.();
      segment = { key, lines: jsonLines(objects.stream(key))[Symbol.asyncIterator]() };
    }
    yield { entry, line: await lineAt(segment.lines, offset, key) };
  }
  await segment?.lines.return?.();
}

async function lineAt(
  lines: AsyncIterator<{ bytes: Uint8Array; offset: number }>,
  offset: number,
  key: string,
): Promise<Uint8Array> {
  for (;;) {
    const next = await lines.next();
    if (next.done === true || next.value.offset > offset)
      throw new TerminalError(`${key} has no line at byte ${offset}`);
    if (next.value.offset === offset) return next.value.bytes;
  }
}
