import type { SQSClient } from "@aws-sdk/client-sqs";
import type { QueueUrls } from "../../client/queue-urls.ts";
import { type JobInput, submitJobs } from "../../client/submit-jobs.ts";
import { RetryableError } from "../domain/failures.ts";
import type { Outbox } from "../ports.ts";

/** The job queues as a tenant's app uses them: jobs by the client that apps import, each to the queue of its tier. */
export class SqsJobSender implements Outbox<JobInput> {
  readonly #client: SQSClient;
  readonly #queueUrls: QueueUrls;

  constructor(client: SQSClient, queueUrls: QueueUrls) {
    this.#client = client;
    this.#queueUrls = queueUrls;
  }

  async send(jobs: readonly JobInput[]): Promise<void> {
    const outcomes = await submitJobs(jobs, { sqs: this.#client, queueUrls: this.#queueUrls });
    const failed = outcomes.filter((outcome) => outcome.kind === "failed");
    if (failed[0] !== undefined)
      throw new RetryableError(`${failed.length} of ${jobs.length} jobs were not sent: ${failed[0].reason}`);
  }
}
