import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { SendMessageBatchCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { uploadPrefix } from "../lambdas/domain/object-keys.ts";
import { tenantIdSchema } from "../lambdas/domain/ids.ts";
import type { Tier } from "../lambdas/domain/vocabulary.ts";
import { draftOf, type JobDraft, type JobInput } from "./job-input.ts";
import type { QueueUrls } from "./queue-urls.ts";

export type { JobInput } from "./job-input.ts";

/** SQS's limits for a message, and for all messages of one call together. */
const MAX_BYTES = 1_048_576;
const MAX_MESSAGES = 10;

export type SubmitOptions = {
  readonly sqs: SQSClient;
  readonly queueUrls: QueueUrls;
  /** Where requests too large for a message are put; without it such a job is not sent. */
  readonly uploads?: { readonly s3: S3Client; readonly bucket: string };
  /** Calls under way at once; 4 by default. */
  readonly concurrency?: number;
  /** Tries for messages that SQS did not take; 5 by default. */
  readonly tries?: number;
  readonly signal?: AbortSignal;
};

/** What became of a job. `failed`: it is not on the queue, and may be submitted again as it is. */
export type SubmitOutcome =
  | { readonly kind: "sent"; readonly messageId: string }
  | { readonly kind: "failed"; readonly reason: string };

type Entry = JobDraft & { readonly number: number };

/**
 * Puts jobs on their queues: ten messages or 1 MiB a call, larger requests by way of S3, the tenant as message group so
 * that SQS serves tenants fairly. Only entries that SQS did not take are sent again. Returns an outcome per job, in
 * order; never throws for a job, only when `signal` aborts.
 */
export async function submitJobs(jobs: readonly JobInput[], options: SubmitOptions): Promise<SubmitOutcome[]> {
  const outcomes = new Map<number, SubmitOutcome>();
  const byQueue = new Map<Tier, Entry[]>();
  for (const [number, job] of jobs.entries()) {
    const draft = await fitted(draftOf(job), options);
    if (typeof draft === "string") {
      outcomes.set(number, { kind: "failed", reason: draft });
      continue;
    }
    const entries = byQueue.get(draft.queue) ?? [];
    entries.push({ ...draft, number });
    byQueue.set(draft.queue, entries);
  }
  const calls = [...byQueue].flatMap(([tier, entries]) =>
    callsOf(entries).map((call) => () => sendCall(options.queueUrls[tier], call, outcomes, options)),
  );
  await inParallel(calls, options.concurrency ?? 4);
  return jobs.map((_job, number) => outcomes.get(number) ?? { kind: "failed", reason: "not sent" });
}

/** A draft that a message can hold: as it is, or with its request moved to the tenant's uploads. */
async function fitted(draft: JobDraft | string, { uploads }: SubmitOptions): Promise<JobDraft | string> {
  if (typeof draft === "string" || Buffer.byteLength(draft.body) <= MAX_BYTES) return draft;
  if (!uploads) return "the message is larger than 1 MiB: give `uploads` so that its request can go through S3";
  const request = JSON.stringify(draft.job.request);
  const hash = createHash("sha256").update(request).digest("hex");
  const key = `${uploadPrefix(tenantIdSchema.parse(draft.job.tenantId))}${hash}.json`;
  try {
    await uploads.s3.send(new PutObjectCommand({ Bucket: uploads.bucket, Key: key, Body: request }));
  } catch (error) {
    return `the request could not be uploaded: ${reasonOf(error)}`;
  }
  return draftOf({ ...draft.job, request: { s3Key: key } });
}

function callsOf(entries: readonly Entry[]): Entry[][] {
  const calls: Entry[][] = [];
  let call: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = Buffer.byteLength(entry.body);
    if (call.length === MAX_MESSAGES || (call.length > 0 && bytes + size > MAX_BYTES)) {
      calls.push(call);
      call = [];
      bytes = 0;
    }
    call.push(entry);
    bytes += size;
  }
  if (call.length > 0) calls.push(call);
  return calls;
}

async function sendCall(
  queueUrl: string,
  call: readonly Entry[],
  outcomes: Map<number, SubmitOutcome>,
  { sqs, tries = 5, signal }: SubmitOptions,
): Promise<void> {
  let left = call;
  for (let number = 1; left.length > 0; number += 1) {
    signal?.throwIfAborted();
    if (number > 1) await sleep(Math.random() * 100 * 2 ** number, undefined, { signal });
    left = await sendOnce(queueUrl, left, outcomes, sqs, signal);
    if (number >= tries) return;
  }
}

/** Sends the entries once and records how each fared; returns those worth another try. */
async function sendOnce(
  queueUrl: string,
  entries: readonly Entry[],
  outcomes: Map<number, SubmitOutcome>,
  sqs: SQSClient,
  signal: AbortSignal | undefined,
): Promise<Entry[]> {
  const command = new SendMessageBatchCommand({
    QueueUrl: queueUrl,
    Entries: entries.map(({ job, body }, index) => ({
      Id: String(index),
      MessageBody: body,
      MessageGroupId: job.tenantId,
    })),
  });
  try {
    const { Successful: sent = [], Failed: refused = [] } = await sqs.send(command, { abortSignal: signal });
    for (const { Id, MessageId } of sent) {
      const entry = entries[Number(Id)];
      if (entry) outcomes.set(entry.number, { kind: "sent", messageId: MessageId ?? "" });
    }
    return refused.flatMap(({ Id, SenderFault, Code, Message }) => {
      const entry = entries[Number(Id)];
      if (!entry) return [];
      outcomes.set(entry.number, { kind: "failed", reason: `${Code ?? "refused"}: ${Message ?? "no reason given"}` });
      // A fault of ours would be refused again.
      return SenderFault === true ? [] : [entry];
    });
  } catch (error) {
    signal?.throwIfAborted();
    for (const { number } of entries) outcomes.set(number, { kind: "failed", reason: reasonOf(error) });
    return [...entries];
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

async function inParallel(calls: readonly (() => Promise<void>)[], limit: number): Promise<void> {
  const queue = calls.values();
  const worker = async () => {
    for (const call of queue) await call();
  };
  await Promise.all(Array.from({ length: limit }, worker));
}
