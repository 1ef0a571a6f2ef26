import { sendResults } from "../deliver-results/deliver-results.ts";
import { TerminalError } from "../domain/failures.ts";
import { contentHash } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import { workloadPrefix } from "../domain/object-keys.ts";
import { type AnalysisJob, analysisJob } from "../domain/post-call/analysis-job.ts";
import { readTranscript } from "../domain/post-call/read-transcript.ts";
import { type Refusal, refusedResult } from "../domain/post-call/refusal.ts";
import type { ResultMessage } from "../domain/result-message.ts";
import type { Tenant } from "../domain/tenant-policy.ts";
import type { ObjectStore, Outbox, TenantQueues, Tenants } from "../ports.ts";
import { type Input, openInput } from "./open-input.ts";
import { type InboxItem, readInbox } from "./read-inbox.ts";

/** Jobs that are sent together. */
const JOBS_AT_ONCE = 100;

export type TranscriptMessage = {
  readonly messageId: string;
  readonly body: string;
  /** SQS `SenderId`; null when the queue did not tell. */
  readonly senderId: string | null;
  readonly sentAt: Instant;
};

export type TakePorts = {
  readonly objects: ObjectStore;
  readonly tenants: Tenants;
  readonly queues: TenantQueues;
  readonly jobs: Outbox<AnalysisJob>;
};

/** How many calls became jobs, and how much was refused. */
export type Taken = { readonly calls: number; readonly refused: number };

/**
 * Makes a job of each call that a message brings or tells of, and tells the tenant what was refused and why. Run again,
 * it sends the same jobs under the same keys, which run once. Throws TerminalError for what no tenant can be told.
 */
export async function takeTranscripts(message: TranscriptMessage, ports: TakePorts): Promise<Taken> {
  let calls = 0;
  let refused = 0;
  for (const input of openInput(message.body, ports.objects.bucket)) {
    const taken = await takeInput(input, message, ports);
    calls += taken.calls;
    refused += taken.refused;
  }
  return { calls, refused };
}

async function takeInput(input: Input, message: TranscriptMessage, ports: TakePorts): Promise<Taken> {
  const tenant = await ports.tenants.get(input.tenantId);
  if (tenant === undefined) throw new TerminalError(`there is no tenant ${input.tenantId}`);
  if (input.kind === "sent" && !maySend(tenant, message.senderId))
    throw new TerminalError(`this sender may not send for tenant ${input.tenantId}`);
  const policy = tenant.policy.workloads.postCall;
  const items = policy === undefined ? off() : itemsOf(input, ports.objects);
  const refusals: Refusal[] = [];
  let jobs: AnalysisJob[] = [];
  let calls = 0;
  const send = async () => {
    await ports.jobs.send(jobs);
    calls += jobs.length;
    jobs = [];
  };
  for await (const item of items) {
    if (item.kind === "refused") refusals.push(item.refusal);
    else if (policy !== undefined) jobs.push(analysisJob(input.tenantId, policy, item.call));
    if (jobs.length >= JOBS_AT_ONCE) await send();
  }
  await send();
  const results = refusals.map((refusal) => refusedAnswer(refusal, input, message));
  await sendResults(input.tenantId, () => results, ports);
  return { calls, refused: refusals.length };
}

async function* off(): AsyncGenerator<InboxItem> {
  const message = "the tenant's policy does not have the workload postCall";
  yield { kind: "refused", refusal: { code: "workload_off", message } };
}

function itemsOf(input: Input, objects: ObjectStore): AsyncIterable<InboxItem> {
  return input.kind === "object" ? readInbox(input.key, objects) : readSent(input, objects);
}

/** Keeps the transcript where the second try finds it, should there be one; a dropped one stays where it lies. */
async function* readSent(
  { tenantId, transcript }: Extract<Input, { kind: "sent" }>,
  objects: ObjectStore,
): AsyncGenerator<InboxItem> {
  const bytes = Buffer.from(JSON.stringify(transcript ?? null));
  const read = readTranscript(bytes);
  if (read.kind === "refused") return yield read;
  const key = `${workloadPrefix("post-call", tenantId)}transcripts/${contentHash(bytes)}.json`;
  await objects.put(key, bytes);
  const source = { key, offset: 0, length: bytes.length };
  yield { kind: "call", call: { transcript: read.transcript, source } };
}

function refusedAnswer(refusal: Refusal, input: Input, message: TranscriptMessage): ResultMessage {
  const objectKey = input.kind === "object" ? input.key : null;
  return refusedResult(input.tenantId, refusal, { ...message, objectKey });
}

/** For roles SQS reports `AROA…:session`; the session's name is the caller's choice and proves nothing. */
function maySend({ policy: { senders } }: Tenant, senderId: string | null): boolean {
  return senders.length === 0 || (senderId !== null && senders.includes(senderId.split(":")[0] ?? ""));
}
