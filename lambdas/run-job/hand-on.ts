import type { RunJobRequest } from "../domain/internal-messages.ts";
import type { Job, RunningJob } from "../domain/job-state.ts";
import type { DirectRun, DirectWork, LaneChoice, RunPorts } from "./direct-work.ts";

/**
 * Lets another worker call for a job in the next lane, instead of this one. What flex has no room for comes all at once, and
 * those workers are few, so that it does not use up the rate limit of urgent jobs. False, and nothing done, where there
 * are no others: then this worker makes the call.
 */
export async function handOn(
  { work, ports, owner }: DirectRun,
  job: RunningJob,
  { choice, code, counts }: { readonly choice: LaneChoice; readonly code: string; readonly counts: boolean },
): Promise<boolean> {
  const { tenantId, jobId } = work.record;
  if (ports.syncRuns === undefined || job.source === null) return false;
  const { attempt, source } = job;
  const move = {
    tenantId,
    jobId,
    attempt,
    by: stepOf(jobId, attempt),
    at: ports.runtime.now(),
    code,
    counts,
  };
  const moved = await ports.jobs.requeue({ ...move, owner });
  // Lost: somebody ended it meanwhile.
  if (moved === "won") await ports.syncRuns.send([requestOf({ ...job, source }, attempt + 1, choice)]);
  return true;
}

/** A worker may have died before its request was sent: what asked it to run, coming again, finds nothing else to do. */
export async function handOnAgain(job: Job, { choice }: DirectWork, ports: RunPorts): Promise<void> {
  const { jobId, attempt, source } = job;
  if (ports.syncRuns === undefined || job.state !== "queued" || source === null) return;
  if (job.requeuedBy !== stepOf(jobId, attempt - 1)) return;
  const reason = `flex could not take it; before: ${choice.reason}`;
  await ports.syncRuns.send([requestOf({ ...job, source }, attempt, { lane: "sync", reason })]);
}

function stepOf(jobId: string, attempt: number): string {
  return `handed-on-${jobId}-${attempt}`;
}

function requestOf(
  { tenantId, jobId, source }: Pick<RunJobRequest, "tenantId" | "jobId" | "source">,
  attempt: number,
  lane: LaneChoice,
): RunJobRequest {
  return { version: 1, kind: "run", tenantId, jobId, source, reason: "handed-on", attempt, lane };
}
