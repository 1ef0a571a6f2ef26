import type { SegmentId } from "../domain/ids.ts";
import { toIso } from "../domain/instant.ts";
import type { JobRecord, Source } from "../domain/job-record.ts";
import type { Job, RunningJob } from "../domain/job-state.ts";
import { encodeLine } from "../domain/jsonl.ts";
import { segmentKey } from "../domain/object-keys.ts";
import type { Tier } from "../domain/vocabulary.ts";
import type { DirectWork, RunPorts } from "./direct-work.ts";

/** Puts a job whose attempts are used up on the dead-letter queue of its tier, its request stored to be run again. */
export async function deadLetterJob(
  { record, source }: DirectWork,
  { attempt }: RunningJob,
  reason: { readonly code: string; readonly message: string },
  ports: RunPorts,
): Promise<void> {
  const { tenantId, jobId, tier } = record;
  const stored = source ?? (await storeRecord(record, attempt, ports));
  const by = `direct-${jobId}-${attempt}`;
  const at = ports.runtime.now();
  const move = { tenantId, jobId, attempt, by, at, code: reason.code, source: stored };
  if ((await ports.jobs.deadLetter(move)) === "lost") return;
  await sendLetter(tier, move, reason, ports);
}

/** A worker may have died before the letter was sent: what asked it to run, coming again, finds nothing else to do. */
export async function deadLetterAgain(job: Job, work: DirectWork, ports: RunPorts): Promise<void> {
  if (job.state !== "dead-lettered" || job.source === null) return;
  if (!askedFor(job, work)) return;
  const code = job.story.at(-1)?.code ?? "attempts_used_up";
  const reason = { code, message: "the job's direct calls failed" };
  await sendLetter(work.record.tier, { ...job, source: job.source }, reason, ports);
}

/**
 * By the message that began the job, or by the run request whose calls failed last: it was made when, or after, the job was
 * last moved before it came to lie here. The round does not tell, since it moves on with calls that do not count.
 */
function askedFor({ messageId, attempt, story }: Job, work: DirectWork): boolean {
  if (work.messageId !== null) return messageId === work.messageId;
  const movedAt = story.at(-2)?.attempt ?? 0;
  return work.attempt !== null && movedAt <= work.attempt && work.attempt <= attempt;
}

async function sendLetter(
  tier: Tier,
  { tenantId, jobId, attempt, source }: Pick<Job, "tenantId" | "jobId" | "attempt"> & { source: Source },
  { code, message }: { readonly code: string; readonly message: string },
  ports: RunPorts,
): Promise<void> {
  const at = toIso(ports.runtime.now());
  const reason = { code, message };
  const letter = { version: 1, kind: "job", reason, at, tenantId, jobId, attempts: attempt, source } as const;
  await ports.deadLetters.send(tier, letter);
}

/** A direct job's only copy is its message until now: a segment of one line, which no window reads. */
async function storeRecord(record: JobRecord, attempt: number, ports: RunPorts): Promise<Source> {
  const text = encodeLine(record);
  const key = segmentKey(`direct-${record.jobId}-${attempt}` as SegmentId);
  await ports.objects.put(key, text);
  return { key, line: 0, offset: 0, length: Buffer.byteLength(text) };
}
