import type { RunRequest } from "../lambdas/domain/internal-messages.ts";
import type { Job } from "../lambdas/domain/job-state.ts";

/** A request to end this job as cancelled; of the round it is in, even if this machine's clock is behind. */
export function cancelRequest(
  { tenantId, jobId, roundAt }: Pick<Job, "tenantId" | "jobId" | "roundAt">,
  idempotencyKey: string,
  cancelId: string,
  now: number,
): RunRequest {
  const sentAt = Math.max(now, roundAt);
  return { version: 1, kind: "cancel", tenantId, jobId, idempotencyKey, cancelId, sentAt };
}
