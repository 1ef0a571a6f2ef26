import type { EndedJob, Job } from "./job-state.ts";
import type { BatchRequest } from "./reconciliation.ts";

/**
 * What the job map must not say of a request whose batch is closed. `missing`: it knows no such job. `unended`: the job
 * neither ended nor moved on. `answer-lost`: the batch answered it, and counted it as failed. `answer-invented`: it
 * succeeded with a result of this batch, which has no answer for it. `other-cost`: it says another cost than the answer's.
 */
export type JobProblem = "missing" | "unended" | "answer-lost" | "answer-invented" | "other-cost";

export type ClosedBatch = {
  readonly batchId: string;
  /** Another batch asked for the same requests: what this one left unanswered is that one's to bring to an end. */
  readonly orphan: boolean;
};

/** What is wrong with the job of a request of a closed batch, if anything is. */
export function jobProblem(
  request: BatchRequest,
  job: Job | undefined,
  batch: ClosedBatch,
): JobProblem | undefined {
  if (job === undefined) return "missing";
  if (job.state === "ended" && isResultOf(job, batch)) return resultProblem(request, job);
  return request.answer === null
    ? unansweredProblem(request, job, batch)
    : answeredProblem(request, job, batch);
}

/** Whether the request's answer became its job's result. */
export function isWon(request: BatchRequest, job: Job | undefined, batch: ClosedBatch): boolean {
  if (request.answer === null || job?.state !== "ended") return false;
  return job.status === "succeeded" && isResultOf(job, batch);
}

/** Whether the job ended with a result that this batch's settling wrote. */
function isResultOf({ result }: EndedJob, { batchId }: ClosedBatch): boolean {
  return result.key.includes(`/${batchId}-g`);
}

function resultProblem({ answer }: BatchRequest, job: EndedJob): JobProblem | undefined {
  if (job.status === "succeeded" && answer === null) return "answer-invented";
  if (job.status !== "succeeded" && answer !== null) return "answer-lost";
  return BigInt(job.costPicoUsd) === (answer ?? 0n) ? undefined : "other-cost";
}

/** A success of any attempt ends its job for good; a job that ended otherwise may since have been opened again. */
function answeredProblem(
  { attempt }: BatchRequest,
  job: Job,
  { batchId }: ClosedBatch,
): JobProblem | undefined {
  const failedHere = job.story.some((step) => step.attempt === attempt && step.by.startsWith(`${batchId}-`));
  if (failedHere) return "answer-lost";
  return job.state === "ended" || job.roundStart > attempt ? undefined : "unended";
}

/** A failed attempt ends its job, moves it on, or leaves it to the dead letters or to a direct call that is under way. */
function unansweredProblem(
  { attempt }: BatchRequest,
  job: Job,
  { orphan }: ClosedBatch,
): JobProblem | undefined {
  return job.state === "queued" && job.attempt <= attempt && !orphan ? "unended" : undefined;
}
