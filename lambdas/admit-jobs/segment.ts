import pMap from "p-map";
import { MissingRecordError } from "../domain/failures.ts";
import type { SegmentId } from "../domain/ids.ts";
import { toIso } from "../domain/instant.ts";
import type { RunRequest } from "../domain/internal-messages.ts";
import {
  type IndexEntry,
  JOB_RECORD_VERSION,
  type JobHeader,
  jobHeaderSchema,
  type JobRecord,
  type Source,
  workedOnBy,
} from "../domain/job-record.ts";
import type { ClaimOutcome } from "../domain/job-state.ts";
import { encodeLine, jsonLines } from "../domain/jsonl.ts";
import { openSegmentKey, segmentIndexKey, segmentKey } from "../domain/object-keys.ts";
import type { JobMap, ObjectStore, RunQueue, Runtime } from "../ports.ts";
import { parseStoredJson } from "../domain/stored-json.ts";

/** A thousand claims take under a second this way, and nobody waits for them: a burst would slow down those who do. */
const CLAIMS_IN_FLIGHT = 8;

export type SegmentPorts = { readonly objects: ObjectStore; readonly jobs: JobMap; readonly runs: RunQueue };

/** A record for a segment; `reopenedBy` is the message that asked to open a failed end again, if it did. */
export type SegmentRecord = { readonly record: JobRecord; readonly reopenedBy: string | null };

type SegmentLine = { readonly job: JobHeader; readonly source: Source; readonly reopenedBy: string | null };

/** A new id for every run of admission: a redelivery never writes into the segment of the run before it. */
export function newSegmentId(runtime: Runtime): SegmentId {
  return `${toIso(runtime.now()).replaceAll(/[-:.]/g, "")}-${runtime.uniqueId()}` as SegmentId;
}

/**
 * Makes jobs of admitted records, in the order that loses none and runs none twice: the lines, the marker that lets an
 * unfinished segment be found, one claim per line, the index of the lines that won. Returns each line's claim.
 */
export async function writeSegment(
  id: SegmentId,
  records: readonly SegmentRecord[],
  ports: SegmentPorts,
): Promise<ClaimOutcome[]> {
  const key = segmentKey(id);
  const texts: string[] = [];
  const lines: SegmentLine[] = [];
  let offset = 0;
  for (const [line, { record, reopenedBy }] of records.entries()) {
    const text = encodeLine(record);
    const length = Buffer.byteLength(text);
    const { body: _body, ...job } = record;
    texts.push(text);
    lines.push({ job, source: { key, line, offset, length }, reopenedBy });
    offset += length;
  }
  await ports.objects.putStream(key, encodeChunks(texts));
  await ports.objects.put(openSegmentKey(id), "");
  return finishLines(id, lines, ports);
}

/** The lines as chunks of bytes: a segment may be larger than one upload request. */
async function* encodeChunks(texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

/**
 * Finishes a segment whose writer died before its index: claims every line again and writes the index of those that
 * point here. Any number of workers may do it at once; all write the same.
 */
export async function finishSegment(id: SegmentId, ports: SegmentPorts): Promise<void> {
  const key = segmentKey(id);
  const lines: SegmentLine[] = [];
  for await (const { bytes, offset, length } of jsonLines(ports.objects.stream(key))) {
    const job = parseStoredJson(jobHeaderSchema, bytes);
    lines.push({ job, source: { key, line: lines.length, offset, length }, reopenedBy: null });
  }
  if (lines.length === 0) throw new MissingRecordError(`segment ${id} has no lines`);
  await finishLines(id, lines, ports);
}

async function finishLines(
  id: SegmentId,
  lines: readonly SegmentLine[],
  ports: SegmentPorts,
): Promise<ClaimOutcome[]> {
  const outcomes = await pMap(lines, (line) => claimLine(line, ports.jobs), {
    concurrency: CLAIMS_IN_FLIGHT,
  });
  const waiting: IndexEntry[] = [];
  const direct: RunRequest[] = [];
  for (const [number, outcome] of outcomes.entries()) {
    const line = lines[number];
    if (line === undefined || outcome.kind !== "claimed") continue;
    if (line.job.lane === "batch") waiting.push(indexEntryOf(line, outcome.attempt));
    else direct.push(runRequestOf(line, outcome.attempt));
  }
  await ports.runs.send(direct);
  await ports.objects.put(segmentIndexKey(id), waiting.map(encodeLine).join(""));
  // Nothing to place: no window needs to read it.
  if (waiting.length === 0) await ports.objects.delete([openSegmentKey(id)]);
  return outcomes;
}

function claimLine({ job, source, reopenedBy }: SegmentLine, jobs: JobMap): Promise<ClaimOutcome> {
  const { tenantId, jobId, requestHash, lane, laneReason, receivedAt } = job;
  const retry = reopenedBy !== null;
  const claim = { tenantId, jobId, requestHash, messageId: reopenedBy, source, lane, laneReason, receivedAt };
  return jobs.claim({ ...claim, retry });
}

function indexEntryOf({ job, source }: SegmentLine, attempt: number): IndexEntry {
  const { jobId, tenantId, tier, group, inputs, lineBytes } = job;
  const { inputTokens: tokens, outputTokens } = job.estimate;
  return {
    version: JOB_RECORD_VERSION,
    jobId,
    tenantId,
    attempt,
    roundStart: attempt,
    group,
    tokens,
    outputTokens,
    tier,
    inputs,
    lineBytes,
    due: workedOnBy(job),
    source,
    ...(job.notBefore !== undefined && { notBefore: job.notBefore }),
  };
}

function runRequestOf({ job, source }: SegmentLine, attempt: number): RunRequest {
  const { tenantId, jobId } = job;
  return { version: 1, kind: "run", tenantId, jobId, source, reason: "direct-tier", attempt };
}
