import type { DirectLease, LeaseOutcome } from "../domain/job-state.ts";
import type { DirectRun, LaneChoice } from "./direct-work.ts";

/** Asks for the job, or for the next attempt of a job that this run holds: the call's intent is in the same write. */
export function takeLease(
  { work, ports, settings, owner }: DirectRun,
  { lane, reason: laneReason }: LaneChoice,
  goesOn: NonNullable<DirectLease["goesOn"]>,
): Promise<LeaseOutcome> {
  const { record, messageId, source, retry, attempt } = work;
  const { tenantId, jobId, requestHash, receivedAt } = record;
  const now = ports.runtime.now();
  const claim = { tenantId, jobId, requestHash, messageId, source, lane, laneReason, retry, receivedAt };
  return ports.jobs.lease({ ...claim, attempt, owner, now, leaseUntil: now + settings.leaseMs, goesOn });
}
