import pMap from "p-map";
import type { SegmentId } from "../domain/ids.ts";
import { toIso } from "../domain/instant.ts";
import { type IndexEntry, JOB_RECORD_VERSION, type ManifestEntry } from "../domain/job-record.ts";
import { encodeLine } from "../domain/jsonl.ts";
import { openSegmentKey, segmentIndexKey } from "../domain/object-keys.ts";
import type { DeadLetterQueues, JobMap, ObjectStore, Runtime } from "../ports.ts";

const WRITES_IN_FLIGHT = 64;

export type MovePorts = {
  readonly objects: ObjectStore;
  readonly jobs: JobMap;
  readonly deadLetters: DeadLetterQueues;
  readonly runtime: Runtime;
};

/**
 * Sends failed attempts to the next batch: their next attempts become a segment of their own, only an index that points
 * at the lines where the requests already lie. `by` names the settling step and the segment: a re-run moves nothing
 * twice and writes the same. Returns how many moved.
 */
export async function requeue(
  entries: readonly ManifestEntry[],
  by: string,
  ports: MovePorts,
): Promise<number> {
  const moves = await pMap(entries, (entry) => ports.jobs.requeue(moveOf(entry, by)), {
    concurrency: WRITES_IN_FLIGHT,
  });
  const moved = entries.filter((_entry, number) => moves[number] === "won");
  if (moved.length === 0) return 0;
  const id = `requeued-${by}` as SegmentId;
  await ports.objects.put(segmentIndexKey(id), moved.map((entry) => encodeLine(nextAttempt(entry))).join(""));
  await ports.objects.put(openSegmentKey(id), "");
  return moved.length;
}

function nextAttempt({ attempt, roundStart, source, job }: ManifestEntry): IndexEntry {
  const { jobId, tenantId, group, inputs, lineBytes, due } = job;
  const tokens = job.estimate.inputTokens;
  return {
    version: JOB_RECORD_VERSION,
    jobId,
    tenantId,
    attempt: attempt + 1,
    roundStart,
    group,
    tokens,
    inputs,
    lineBytes,
    due,
    source,
  };
}

export type Exhausted = {
  readonly entry: ManifestEntry;
  readonly reason: { readonly code: string; readonly message: string };
};

/** Puts jobs whose attempts are used up on the dead-letter queue of their tier. Returns how many went. */
export async function deadLetter(jobs: readonly Exhausted[], by: string, ports: MovePorts): Promise<number> {
  const at = toIso(ports.runtime.now());
  const sent = await pMap(
    jobs,
    async ({ entry, reason }) => {
      const { tenantId, jobId, tier } = entry.job;
      const { source, attempt: attempts } = entry;
      if ((await ports.jobs.deadLetter({ ...moveOf(entry, by), source })) === "lost") return 0;
      await ports.deadLetters.send(tier, {
        version: 1,
        kind: "job",
        reason,
        at,
        tenantId,
        jobId,
        attempts,
        source,
      });
      return 1;
    },
    { concurrency: 16 },
  );
  return sent.reduce<number>((sum, one) => sum + one, 0);
}

function moveOf({ job, attempt }: ManifestEntry, by: string) {
  return { tenantId: job.tenantId, jobId: job.jobId, attempt, by };
}
