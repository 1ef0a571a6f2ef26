import type { JobHeader } from "../lambdas/domain/job-record.ts";
import { cancelRequest } from "./cancel-request.ts";
import type { SeenLetter } from "./read-dead-letters.ts";
import type { Stack } from "./stack.ts";

/**
 * What is lost with a letter that is about to be deleted, in words. A job that would wait for this letter for ever is
 * cancelled, so that its tenant is told.
 */
export async function discardLetter(
  { letter, received }: SeenLetter,
  job: JobHeader | undefined,
  stack: Pick<Stack, "jobs" | "runs">,
  now: number,
): Promise<string> {
  const { messageId } = received;
  switch (letter.kind) {
    case "job":
      return endJob(letter.letter.jobId, job, messageId, stack, now);
    case "run": {
      const { request } = letter;
      if (request.kind === "message") return "The message will not be admitted, and nobody is told.";
      if (request.kind === "cancel") return `Job ${request.jobId} is not cancelled, and goes on.`;
      return endJob(request.jobId, job, messageId, stack, now);
    }
    case "delivery": {
      const { delivery } = letter;
      const where = delivery.kind === "inline" ? "were in this message only" : `lie in ${delivery.key}`;
      return `Results of ${delivery.tenantId} are not delivered; they ${where}.`;
    }
    case "message":
    case "moved":
      return "The message will not be admitted, and nobody is told.";
    case "workload":
      return "The workload will not work on it again.";
    case "unreadable":
      return "It was nothing that this release knows.";
  }
}

async function endJob(
  jobId: string,
  header: JobHeader | undefined,
  messageId: string,
  { jobs, runs }: Pick<Stack, "jobs" | "runs">,
  now: number,
): Promise<string> {
  if (header === undefined)
    return `What was admitted as job ${jobId} cannot be read: the job will not run, and its tenant is not told.`;
  const job = await jobs.get(header.tenantId, header.jobId);
  if (job === undefined || job.state === "ended") return `Job ${jobId} had ended before; nothing is lost.`;
  await runs.send([cancelRequest(job, header.idempotencyKey, `discarded-${messageId}`, now)]);
  return `Job ${jobId} of ${header.tenantId} will not run: it ends as cancelled within moments, and its tenant is told.`;
}
