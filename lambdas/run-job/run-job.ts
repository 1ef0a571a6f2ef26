import { LeaseHeldError } from "../domain/failures.ts";
import { decideDirectFailure } from "../domain/failure-policy.ts";
import type { Job, RunningJob } from "../domain/job-state.ts";
import { failedResult } from "../domain/settle-line.ts";
import { callProvider } from "./call-provider.ts";
import { deadLetterAgain, deadLetterJob } from "./dead-letter-job.ts";
import type { DirectWork, RunPorts } from "./direct-work.ts";
import { finishFailed, finishSucceeded, recordLostCall, resumeSucceeded, settleAgain } from "./finish-job.ts";

/** Longer than the function may run: a lease ends by itself only when its holder is dead. */
export const RUN_LEASE_MS = 200_000;

export type RunOutcome =
  | { readonly kind: "ended" | "dead-lettered" }
  | { readonly kind: "duplicate" | "conflict"; readonly job: Job };

/**
 * Runs one job at once: lease and call intent in one write, call, settle. Whatever dies in between, the next worker
 * finds either the stored answer (and settles it) or an intent without one (and records what it may have cost).
 * Throws LeaseHeldError while another worker has the job.
 */
export async function runJob(work: DirectWork, ports: RunPorts): Promise<RunOutcome> {
  const owner = ports.runtime.uniqueId();
  for (;;) {
    const leased = await leaseJob(work, owner, ports);
    if (leased.kind === "busy")
      throw new LeaseHeldError(`job ${work.record.jobId} is being run by another worker`);
    if (leased.kind === "conflict") return leased;
    if (leased.kind === "duplicate") {
      await settleAgain(leased.job, work.record, ports);
      await deadLetterAgain(leased.job, work, ports);
      return leased;
    }
    if (leased.lost !== null) {
      if (await resumeSucceeded(work.record, leased.lost, ports)) return { kind: "ended" };
      await recordLostCall(work.record, leased.lost.intent, ports);
      // Only now may the lost attempt give way to our own.
      continue;
    }
    const outcome = await attemptCall(work, leased.job, ports);
    if (outcome !== "again") return { kind: outcome };
  }
}

function leaseJob({ record, messageId, source, retry }: DirectWork, owner: string, ports: RunPorts) {
  const { tenantId, jobId, requestHash, laneReason } = record;
  const now = ports.runtime.now();
  const lease = { tenantId, jobId, requestHash, messageId, source, lane: "sync" as const, laneReason, retry };
  return ports.jobs.lease({ ...lease, owner, now, leaseUntil: now + RUN_LEASE_MS });
}

/** One attempt under the lease: the call, and what follows from it. */
async function attemptCall(
  work: DirectWork,
  job: RunningJob,
  ports: RunPorts,
): Promise<"ended" | "dead-lettered" | "again"> {
  const { record } = work;
  const outcome = await callProvider(record, await ports.direct(record.group.provider));
  const producedAt = ports.runtime.now();
  if (outcome.kind === "answered") {
    await finishSucceeded(record, job, outcome, producedAt, ports);
    return "ended";
  }
  if (outcome.kind === "lost") await recordLostCall(record, job.intent, ports);
  const failure = outcome.failure;
  const decision = decideDirectFailure(failure.origin, job.attempt, job.roundStart, work.last);
  switch (decision) {
    case "fail": {
      const result = failedResult(record, job.attempt, failure, { lane: "sync", producedAt });
      await finishFailed(record, job, result, ports);
      return "ended";
    }
    case "dead-letter":
      await deadLetterJob(work, job, failure, ports);
      return "dead-lettered";
    case "retry":
      await ports.runtime.sleep(outcome.retryAfterMs ?? backOffMs(job.attempt - job.roundStart));
      return "again";
  }
}

/** Milliseconds before the next call: a quarter second, doubling. Somebody waits for these jobs. */
function backOffMs(failures: number): number {
  return 250 * 2 ** failures;
}
