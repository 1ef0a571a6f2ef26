import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { TIERS } from "../lambdas/domain/vocabulary.ts";
import { inParallel } from "./in-parallel.ts";
import { draftOf, type JobInput } from "./job-input.ts";
import type { QueueUrls } from "./queue-urls.ts";
import { callsOf, type Entry, sendCall, type SubmitOutcome } from "./send-call.ts";

export type { JobInput } from "./job-input.ts";
export type { SubmitOutcome } from "./send-call.ts";

export type SubmitOptions = {
  readonly sqs: SQSClient;
  /** Where jobs of each tier are sent; see `queueUrlsFromOutputs`. */
  readonly queueUrls: QueueUrls;
  /** Where requests too large for a message are put: the gateway bucket. Without it such a job is not sent. */
  readonly uploads?: { readonly s3: S3Client; readonly bucket: string };
  /** Calls under way at once; 4 by default. */
  readonly concurrency?: number;
  /** Tries for messages that SQS did not take; 5 by default. */
  readonly tries?: number;
  /** Stops sending: jobs that SQS did not take until then come back as `failed`. */
  readonly signal?: AbortSignal;
};

/**
 * Puts jobs on their queues: ten messages or 1 MiB a call, larger requests by way of S3, the tenant as message group so
 * that SQS serves tenants fairly. Only entries that SQS did not take are sent again. Returns an outcome per job, in
 * order; never throws for a job. Submitting a job again under its idempotency key is always safe: it runs once.
 */
export async function submitJobs(
  jobs: readonly JobInput[],
  options: SubmitOptions,
): Promise<SubmitOutcome[]> {
  const { sqs, queueUrls, uploads, concurrency = 4, tries = 5, signal } = options;
  const outcomes = new Map<number, SubmitOutcome>();
  const entries = jobs.flatMap((job, number): Entry[] => {
    const draft = draftOf(job, uploads !== undefined);
    if (typeof draft !== "string") return [{ ...draft, number }];
    outcomes.set(number, { kind: "failed", reason: draft });
    return [];
  });

  await inParallel(entries, concurrency, async (entry) => {
    const reason = await uploadProblem(entry, uploads, signal);
    if (reason !== undefined) outcomes.set(entry.number, { kind: "failed", reason });
  });

  const ready = entries.filter(({ number }) => !outcomes.has(number));
  const calls = TIERS.flatMap((tier) => {
    const queueUrl = queueUrls[tier];
    return callsOf(ready.filter(({ queue }) => queue === tier)).map((call) => ({ queueUrl, call }));
  });
  await inParallel(calls, concurrency, async ({ queueUrl, call }) => {
    for await (const [{ number }, outcome] of sendCall(call, { sqs, queueUrl, tries, signal }))
      outcomes.set(number, outcome);
  });
  return jobs.map((_job, number) => outcomes.get(number) ?? { kind: "failed", reason: "not sent" });
}

/** Uploads what the message refers to; the reason when that failed. The key names the content: repeating is harmless. */
async function uploadProblem(
  { upload }: Entry,
  uploads: SubmitOptions["uploads"],
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  if (upload === null || uploads === undefined) return undefined;
  const { key, body } = upload;
  const place = { Bucket: uploads.bucket, Key: key };
  try {
    const command = new PutObjectCommand({ ...place, Body: body, ContentType: "application/json" });
    await uploads.s3.send(command, { abortSignal: signal });
    return undefined;
  } catch (error) {
    return `the request could not be uploaded to ${uploads.bucket}: ${String(error)}`;
  }
}
