import { LeaseHeldError } from "../domain/failures.ts";
import type { Job, OpenCall } from "../domain/job-state.ts";
import type { DirectWork, RunPorts } from "./direct-work.ts";
import { recordLostCall, resumeCall } from "./finish-job.ts";

/**
 * Accounts for the calls that this message or run request asked for and that were under way when another step ended the
 * job: an answer that was stored is charged, one that nobody will answer for any more is named as lost. `accounted`: attempts that
 * this worker has dealt with itself. Throws LeaseHeldError while the worker that called may still be alive.
 */
export async function settleOpenCalls(
  job: Job,
  work: DirectWork,
  accounted: ReadonlySet<number>,
  ports: RunPorts,
): Promise<void> {
  for (const call of job.openCalls ?? []) {
    if (accounted.has(call.attempt) || !askedBy(call, work)) continue;
    if ((await resumeCall(work.record, call, ports)) !== "unanswered") continue;
    if (call.until > ports.runtime.now())
      throw new LeaseHeldError(`attempt ${call.attempt} of job ${job.jobId} is being run by another worker`);
    await recordLostCall(work.record, call, ports);
  }
}

/** Another copy of the job may carry other tags than the one that was called for, and the ledger takes only one. */
function askedBy({ messageId, source }: OpenCall, work: DirectWork): boolean {
  if (messageId !== null && messageId === work.messageId) return true;
  return source !== null && source.key === work.source?.key && source.line === work.source.line;
}
