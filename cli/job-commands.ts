import { randomUUID } from "node:crypto";
import { jobIdOf } from "../lambdas/domain/ids.ts";
import type { Job } from "../lambdas/domain/job-state.ts";
import { cancelRequest } from "./cancel-request.ts";
import { admittedAs, jobStory } from "./job-story.ts";
import { whereIs } from "./job-whereabouts.ts";
import { OperatorError } from "./operator-error.ts";
import type { Report } from "./report.ts";
import { type Stack, tenantNamed } from "./stack.ts";

/** `offpeak jobs show TENANT KEY`: what became of the job with this idempotency key so far, and where it is. */
export async function jobsShow(stack: Stack, tenantName: string, idempotencyKey: string): Promise<Report> {
  const job = await jobNamed(stack, tenantName, idempotencyKey);
  const admitted = await admittedAs(job, stack.objects);
  const where = await whereIs(job, admitted, stack);
  return {
    data: { idempotencyKey, ...job, admitted: admitted ?? null, where },
    text: jobStory(idempotencyKey, job, admitted, where),
  };
}

/** `offpeak jobs cancel TENANT KEY`: has the job ended as cancelled, unless it has ended. */
export async function jobsCancel(
  stack: Stack,
  tenantName: string,
  idempotencyKey: string,
  now: number,
): Promise<Report> {
  const job = await jobNamed(stack, tenantName, idempotencyKey);
  const { jobId, state } = job;
  if (state === "ended") {
    const text = `Nothing to cancel: ${jobId} has ended, ${job.status}.`;
    return { data: { jobId, state, status: job.status, sent: false }, text };
  }
  await stack.runs.send([cancelRequest(job, idempotencyKey, `operator-${randomUUID()}`, now)]);
  const text = `Sent. ${jobId} (${state}) ends as cancelled within moments, and ${tenantName} is told. ${AFTERWARDS[state]}`;
  return { data: { jobId, state, sent: true }, text };
}

const AFTERWARDS: Readonly<Record<Exclude<Job["state"], "ended">, string>> = {
  queued:
    "If a batch has it already, the batch goes on: what the provider bills for it stays in the ledger, and the answer is not delivered.",
  running:
    "The call that is under way goes on: what the provider bills for it stays in the ledger, and the answer is not delivered.",
  "dead-lettered": "It is not tried again; what was billed for it stays in the ledger.",
};

async function jobNamed(stack: Stack, tenantName: string, idempotencyKey: string): Promise<Job> {
  const { salt, policy } = await tenantNamed(stack, tenantName);
  const jobId = jobIdOf(salt, policy.tenantId, idempotencyKey);
  const job = await stack.jobs.get(policy.tenantId, jobId);
  if (job !== undefined) return job;
  throw new OperatorError(
    `${tenantName} has no job with the key ${idempotencyKey} (it would be ${jobId}): it was never admitted, was refused, or ended more than 30 days ago`,
  );
}
