import { randomUUID } from "node:crypto";
import { jobIdOf, jobIdSchema } from "../lambdas/domain/ids.ts";
import { lanesOf } from "../lambdas/domain/job-lanes.ts";
import type { Job } from "../lambdas/domain/job-state.ts";
import { cancelRequest } from "./cancel-request.ts";
import { chargesOf, resultOf } from "./job-charges.ts";
import { admittedAs, jobStory } from "./job-story.ts";
import { whereIs } from "./job-whereabouts.ts";
import { OperatorError } from "./operator-error.ts";
import type { Report } from "./report.ts";
import { type Stack, tenantIds, tenantNamed } from "./stack.ts";

/**
 * `offpeak jobs show TENANT KEY` or `jobs show ID`: what became of a job so far and why, what was charged for it, and where
 * it is.
 */
export async function jobsShow(stack: Stack, name: string, key: string | undefined): Promise<Report> {
  const job = key === undefined ? await jobWithId(stack, name) : await jobNamed(stack, name, key);
  const admitted = await admittedAs(job, stack.objects);
  const result = await resultOf(job, stack.objects);
  const where = await whereIs(job, admitted, stack);
  const charges = await chargesOf(job, admitted?.receivedAt, result, stack.ledger);
  const idempotencyKey = key ?? admitted?.idempotencyKey ?? result?.idempotencyKey ?? null;
  const lanes = lanesOf(job);
  return {
    data: { idempotencyKey, ...job, lanes, admitted: admitted ?? null, where, charges },
    text: jobStory({ idempotencyKey, job, admitted, result, where, charges }),
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

/** By its id alone: which tenant it is of nobody remembers, so each is asked for it. */
async function jobWithId(stack: Stack, id: string): Promise<Job> {
  const jobId = jobIdSchema.safeParse(id);
  if (!jobId.success)
    throw new OperatorError(`${id} is no job id: name one, or a tenant and an idempotency key`);
  for (const tenantId of await tenantIds(stack, undefined)) {
    const job = await stack.jobs.get(tenantId, jobId.data);
    if (job !== undefined) return job;
  }
  throw new OperatorError(`no tenant has a job ${id}: it was never admitted, or ended more than 30 days ago`);
}

async function jobNamed(stack: Stack, tenantName: string, idempotencyKey: string): Promise<Job> {
  const { salt, policy } = await tenantNamed(stack, tenantName);
  const jobId = jobIdOf(salt, policy.tenantId, idempotencyKey);
  const job = await stack.jobs.get(policy.tenantId, jobId);
  if (job !== undefined) return job;
  throw new OperatorError(
    `${tenantName} has no job with the key ${idempotencyKey} (it would be ${jobId}): it was never admitted, was refused, or ended more than 30 days ago`,
  );
}
