import {
  type AdmissionPorts,
  answerCancel,
  answerRepeat,
  type OpenedJob,
  placeJobs,
  turnAway,
} from "../admit-jobs/admit-jobs.ts";
import { cancelJob } from "../admit-jobs/cancel-job.ts";
import { firstResultOf } from "../admit-jobs/end-unanswered.ts";
import { type IncomingMessage, openMessage } from "../admit-jobs/open-message.ts";
import type { AdmissionSettings } from "../domain/admission.ts";
import { MissingRecordError } from "../domain/failures.ts";
import type { RunJobRequest, RunRequest } from "../domain/internal-messages.ts";
import { type JobRecord, jobRecordSchema } from "../domain/job-record.ts";
import { lineText } from "../domain/jsonl.ts";
import { PREFIXES } from "../domain/object-keys.ts";
import { parseStoredJson } from "../domain/stored-json.ts";
import type { DirectWork, RunPorts } from "./direct-work.ts";
import { expireJob } from "./expire-job.ts";
import { type RunOutcome, runJob } from "./run-job.ts";

export type MessagePorts = AdmissionPorts & RunPorts;

/** `left`: what a request asked for no longer concerns the job; `unknown`: there is no such job. */
export type TakenOutcome =
  | RunOutcome["kind"]
  | "placed"
  | "cancel-answered"
  | "turned-away"
  | "left"
  | "unknown";

/**
 * Takes one message of a queue for urgent jobs: admits it, and runs it at once when its tier asks for that. A queue is
 * only transport: a job that can wait goes into a segment like any other.
 */
export async function runMessage(
  message: IncomingMessage,
  ports: MessagePorts,
  settings: AdmissionSettings,
): Promise<TakenOutcome> {
  const opened = await openMessage(message, ports, settings);
  switch (opened.kind) {
    case "refused":
    case "unanswerable":
      await turnAway(opened, ports);
      return "turned-away";
    case "cancel":
      await answerCancel(opened, ports);
      return "cancel-answered";
    case "job":
      if (opened.record.lane !== "batch") return runOpened(opened, ports);
      await placeJobs([opened], ports);
      return "placed";
  }
}

async function runOpened(opened: OpenedJob, ports: MessagePorts): Promise<RunOutcome["kind"]> {
  const { record, retry, message } = opened;
  const work = { record, messageId: message.messageId, source: null, retry, attempt: null, last: false };
  const outcome = await runJob(work, ports);
  const delivery = "job" in outcome ? answerRepeat(opened, outcome) : undefined;
  if (delivery) await ports.deliveries.send([delivery]);
  return outcome.kind;
}

/** Does what a run request asks for. A repeat of it finds that done and changes nothing. */
export async function runRequested(
  request: RunRequest,
  ports: MessagePorts,
  settings: AdmissionSettings,
): Promise<TakenOutcome> {
  switch (request.kind) {
    case "run":
      return runStored(request, ports);
    case "expire":
      return expireJob(await readRecord(request, ports), request.attempt, ports);
    case "cancel": {
      const outcome = await cancelJob(request, ports);
      return outcome === "ended" ? "cancel-answered" : outcome;
    }
    case "message": {
      const { messageId, senderId, sentAt, queue } = request;
      const body = await bodyOf(request, ports);
      return runMessage({ messageId, senderId, sentAt, queue, body }, ports, settings);
    }
  }
}

async function runStored(request: RunJobRequest, ports: RunPorts): Promise<RunOutcome["kind"]> {
  const { source, attempt, reason } = request;
  const record = await readRecord(request, ports);
  const last = reason === "dead-letter";
  const work: DirectWork = { record, messageId: null, source, retry: false, attempt, last };
  const outcome = await runJob(work, ports);
  // The worker that ended the job may have died before its result was on the way.
  if (outcome.kind === "duplicate" && outcome.job.state === "ended")
    await ports.deliveries.send([firstResultOf(outcome.job)]);
  return outcome.kind;
}

async function readRecord(
  { source, jobId, tenantId }: Pick<RunJobRequest, "source" | "jobId" | "tenantId">,
  ports: Pick<RunPorts, "objects">,
): Promise<JobRecord> {
  // Tenants write to the bucket, too: only what lies among the segments was admitted.
  if (!source.key.startsWith(PREFIXES.segments))
    throw new MissingRecordError(`${source.key} is not a segment`);
  const bytes = await ports.objects.getRange(source.key, source.offset, source.length);
  const record = parseStoredJson(jobRecordSchema, bytes);
  if (record.jobId !== jobId || record.tenantId !== tenantId)
    throw new MissingRecordError(`${source.key} does not hold job ${jobId}`);
  return record;
}

async function bodyOf(
  { body, bodyKey, messageId }: Extract<RunRequest, { kind: "message" }>,
  ports: Pick<RunPorts, "objects">,
): Promise<string> {
  if (body !== null) return body;
  const bytes = bodyKey?.startsWith(PREFIXES.deadLetters) ? await ports.objects.get(bodyKey) : undefined;
  if (bytes === undefined) throw new MissingRecordError(`the body of message ${messageId} is not there`);
  return lineText({ bytes });
}
