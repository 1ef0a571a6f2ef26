import pMap from "p-map";
import type { BatchRecord } from "../domain/batch-record.ts";
import { chunks } from "../domain/chunks.ts";
import type { Job } from "../domain/job-state.ts";
import type { BatchExpectation, BatchRequest } from "../domain/reconciliation.ts";
import { type ClosedBatch, isWon, type JobProblem, jobProblem } from "../domain/settled-job.ts";
import type { JobMap } from "../ports.ts";
import type { Difference, JobRef } from "./reconciliation-report.ts";

/** Jobs asked for at once. */
const JOBS_PER_READ = 500;
const SECOND_LOOKS_IN_FLIGHT = 16;
/** Jobs named in one difference: enough to look into, few enough for a log line. */
const JOBS_NAMED = 20;

/** Compares the requests of a closed batch with their jobs, and notes in `expected` which answers won. */
export async function checkJobs(
  { plan }: BatchRecord,
  expected: BatchExpectation,
  jobs: Pick<JobMap, "get" | "getMany">,
): Promise<Difference[]> {
  const batch = { batchId: plan.batchId, orphan: plan.orphanOf !== null };
  const wrong = new Map<JobProblem, JobRef[]>();
  for (const requests of chunks([...expected.requests], JOBS_PER_READ)) {
    for (const { request, problem, won } of await look(requests, batch, jobs)) {
      if (won) expected.won(request);
      if (problem === undefined) continue;
      const { tenantId, jobId } = request;
      const found = wrong.get(problem) ?? [];
      found.push({ tenantId, jobId });
      wrong.set(problem, found);
    }
  }
  return [...wrong].map(([problem, found]) => ({
    kind: "jobs",
    batchId: plan.batchId,
    problem,
    count: found.length,
    jobs: found.slice(0, JOBS_NAMED),
  }));
}

type Looked = {
  readonly request: BatchRequest;
  readonly problem: JobProblem | undefined;
  readonly won: boolean;
};

/** What the job map says of some requests. */
async function look(
  requests: readonly BatchRequest[],
  batch: ClosedBatch,
  jobs: Pick<JobMap, "get" | "getMany">,
): Promise<Looked[]> {
  const refs = requests.map(({ tenantId, jobId }) => ({ tenantId, jobId }));
  const found = await jobs.getMany(refs);
  return pMap(
    requests,
    async (request, number) => {
      const seen = found[number];
      const job = isCertain(request, seen, batch) ? seen : await jobs.get(request.tenantId, request.jobId);
      return { request, problem: jobProblem(request, job, batch), won: isWon(request, job, batch) };
    },
    { concurrency: SECOND_LOOKS_IN_FLIGHT },
  );
}

/** Reads of many may be a moment old: what looks wrong in one, or unfinished where it should not be, is read again. */
function isCertain(request: BatchRequest, job: Job | undefined, batch: ClosedBatch): boolean {
  const unfinished = request.answer !== null && job?.state !== "ended";
  return !unfinished && jobProblem(request, job, batch) === undefined;
}
