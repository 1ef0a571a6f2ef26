import type { SQSClient } from "@aws-sdk/client-sqs";
import type { QueueUrls } from "../../client/queue-urls.ts";
import { type JobInput, submitJobs } from "../../client/submit-jobs.ts";
import { RetryableError } from "../domain/failures.ts";

/** Sends jobs by the client that tenants' apps use. Throws RetryableError, with the first reason, unless all were taken. */
export function sendJobs(sqs: SQSClient, queueUrls: QueueUrls): (jobs: readonly JobInput[]) => Promise<void> {
  return async (jobs) => {
    const outcomes = await submitJobs(jobs, { sqs, queueUrls, concurrency: 8 });
    const failed = outcomes.filter((outcome) => outcome.kind === "failed");
    const [first] = failed;
    if (first) throw new RetryableError(`${failed.length} jobs were not sent: ${first.reason}`);
  };
}
