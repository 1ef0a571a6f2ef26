import type { OpenedJob } from "../admit-jobs/admit-jobs.ts";
import { applyLimits, type LimitedJobs, type LimitPorts } from "../admit-jobs/apply-limits.ts";
import { directChunk, jobState } from "../domain/budget.ts";
import { utcDate } from "../domain/instant.ts";

/**
 * Holds a job that runs at once against its tenant's limits, and reserves what it may cost. Of the day on which SQS took
 * its message, so that a redelivery finds the reservation of the delivery before.
 */
export async function limitDirect(opened: OpenedJob, ports: LimitPorts): Promise<LimitedJobs> {
  const { sentAt, messageId } = opened.message;
  const chunk = directChunk(opened.record.jobId, messageId);
  return applyLimits([opened], chunk, ports, utcDate(sentAt));
}

/** Counts the cost of a job that has ended in place of what was reserved. What is missed here the sweeper finds. */
export async function settleDirect({ record, message, limits }: OpenedJob, ports: LimitPorts): Promise<void> {
  if (limits.dailyBudgetMicroUsd === undefined) return;
  const { tenantId, jobId } = record;
  const { messageId, sentAt } = message;
  const job = await ports.jobs.get(tenantId, jobId);
  if (job?.state !== "ended" || job.messageId !== messageId) return;
  await ports.budgets.settle(tenantId, utcDate(sentAt), directChunk(jobId, messageId), jobState(job, 0n, 0));
}
