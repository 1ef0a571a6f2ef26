import type { SegmentId } from "../domain/ids.ts";
import { toIso } from "../domain/instant.ts";
import type { JobRecord, Source } from "../domain/job-record.ts";
import type { RunningJob } from "../domain/job-state.ts";
import { encodeLine } from "../domain/jsonl.ts";
import { segmentKey } from "../domain/object-keys.ts";
import type { DirectWork, RunPorts } from "./run-job.ts";

/** Puts a job whose attempts are used up on the dead-letter queue of its tier, its request stored to be run again. */
export async function deadLetterJob(
  { record, source }: DirectWork,
  { attempt }: RunningJob,
  reason: { readonly code: string; readonly message: string },
  ports: RunPorts,
): Promise<void> {
  const { tenantId, jobId, tier } = record;
  const stored = source ?? (await storeRecord(record, attempt, ports));
  const move = { tenantId, jobId, attempt, by: `direct-${jobId}-${attempt}`, source: stored };
  if ((await ports.jobs.deadLetter(move)) === "lost") return;
  await ports.deadLetters.send(tier, {
    version: 1,
    kind: "job",
    reason: { code: reason.code, message: reason.message },
    at: toIso(ports.runtime.now()),
    tenantId,
    jobId,
    attempts: attempt,
    source: stored,
  });
}

/** A direct job's only copy is its message until now: a segment of one line, which no window reads. */
async function storeRecord(record: JobRecord, attempt: number, ports: RunPorts): Promise<Source> {
  const text = encodeLine(record);
  const key = segmentKey(`direct-${record.jobId}-${attempt}` as SegmentId);
  await ports.objects.put(key, text);
  return { key, line: 0, offset: 0, length: Buffer.byteLength(text) };
}
