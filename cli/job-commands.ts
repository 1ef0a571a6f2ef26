import { jobIdOf } from "../lambdas/domain/ids.ts";
import type { Job } from "../lambdas/domain/job-state.ts";
import { formatUsd } from "../lambdas/domain/money.ts";
import { OperatorError } from "./operator-error.ts";
import { fieldList, type Report, timeText } from "./report.ts";
import { type Stack, tenantNamed } from "./stack.ts";

/** `offpeak jobs show TENANT KEY`: where the job with this idempotency key is. */
export async function jobsShow(stack: Stack, tenantName: string, idempotencyKey: string): Promise<Report> {
  const { salt, policy } = await tenantNamed(stack, tenantName);
  const jobId = jobIdOf(salt, policy.tenantId, idempotencyKey);
  const job = await stack.jobs.get(policy.tenantId, jobId);
  if (job === undefined) {
    throw new OperatorError(
      `${tenantName} has no job with the key ${idempotencyKey} (it would be ${jobId}): it was never admitted, was refused, or ended more than 30 days ago`,
    );
  }
  const text = fieldList({
    job: jobId,
    state: job.state,
    ...stateFields(job),
    lane: `${job.lane} (${job.laneReason})`,
    attempt: job.attempt,
    "round began with attempt": job.roundStart,
    request: job.source === null ? null : `${job.source.key}, line ${job.source.line}`,
  });
  return { data: { idempotencyKey, ...job }, text };
}

function stateFields(job: Job): Record<string, unknown> {
  switch (job.state) {
    case "queued":
      return { "queued again by": job.requeuedBy };
    case "running":
      return { "lease until": timeText(job.leaseUntil), "called at": timeText(job.intent.at) };
    case "dead-lettered":
      return { "dead-lettered by": job.deadLetteredBy };
    case "ended":
      return {
        status: job.status,
        "ended by": job.endedBy,
        ended: timeText(job.endedAt),
        produced: timeText(job.producedAt),
        "effective until": timeText(job.effectiveUntil),
        cost: formatUsd(BigInt(job.costPicoUsd), 9),
        result: `${job.result.key}, ${job.result.length} bytes from ${job.result.offset}`,
      };
  }
}
