import pMap from "p-map";
import type { PlannedBatch } from "../domain/batch-record.ts";
import type { JobMap } from "../ports.ts";
import type { AttemptLine } from "./read-part.ts";

const READS_IN_FLIGHT = 64;

type ChargedLine = Pick<AttemptLine, "entry"> & { readonly charge: unknown };

/**
 * The answers that were too late: their jobs had been moved to a faster lane at just this attempt, and ended otherwise. What
 * they cost was spent on top of that. Jobs are read only where an answer did not become the result, which is rare.
 */
export async function beatenLines<Line extends ChargedLine>(
  lines: readonly Line[],
  won: ReadonlySet<unknown>,
  batch: PlannedBatch,
  { jobs }: { readonly jobs: Pick<JobMap, "get"> },
): Promise<ReadonlySet<Line>> {
  // What a second provider batch answers was never planned at all.
  if (batch.orphanOf !== null) return new Set();
  const lost = lines.filter((line) => line.charge !== null && !won.has(line));
  // One by one: what is read of many jobs at once may be a moment old, and a re-run must find the same.
  const found = await pMap(lost, ({ entry: { job } }) => jobs.get(job.tenantId, job.jobId), {
    concurrency: READS_IN_FLIGHT,
  });
  return new Set(lost.filter(({ entry }, number) => found[number]?.escalated?.from === entry.attempt + 1));
}
