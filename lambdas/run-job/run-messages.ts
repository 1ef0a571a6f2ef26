import {
  type AdmissionPorts,
  answerRepeat,
  type OpenedJob,
  placeJobs,
  turnAway,
} from "../admit-jobs/admit-jobs.ts";
import { type IncomingMessage, openMessage } from "../admit-jobs/open-message.ts";
import type { AdmissionSettings } from "../domain/admission.ts";
import { MissingRecordError } from "../domain/failures.ts";
import type { RunRequest } from "../domain/internal-messages.ts";
import { jobRecordSchema } from "../domain/job-record.ts";
import type { RunPorts } from "./direct-work.ts";
import { PREFIXES } from "../domain/object-keys.ts";
import { type RunOutcome, runJob } from "./run-job.ts";
import { parseStoredJson } from "../domain/stored-json.ts";

export type MessagePorts = AdmissionPorts & RunPorts;

/**
 * Takes one message of a queue for urgent jobs: admits it, and runs it at once when its tier asks for that. A queue is
 * only transport: a job that can wait goes into a segment like any other.
 */
export async function runMessage(
  message: IncomingMessage,
  ports: MessagePorts,
  settings: AdmissionSettings,
): Promise<RunOutcome["kind"] | "placed" | "turned-away"> {
  const opened = await openMessage(message, ports, settings);
  if (opened.kind !== "job") {
    await turnAway(opened, ports);
    return "turned-away";
  }
  if (opened.record.lane === "batch") {
    await placeJobs([opened], ports);
    return "placed";
  }
  return runOpened(opened, ports);
}

async function runOpened(opened: OpenedJob, ports: MessagePorts): Promise<RunOutcome["kind"]> {
  const { record, retry, message } = opened;
  const outcome = await runJob(
    { record, messageId: message.messageId, source: null, retry, last: false },
    ports,
  );
  const delivery = "job" in outcome ? answerRepeat(opened, outcome) : undefined;
  if (delivery) await ports.deliveries.send([delivery]);
  return outcome.kind;
}

/** Runs a stored job that a run request names. A repeat of the request finds the job ended and changes nothing. */
export async function runRequested(request: RunRequest, ports: RunPorts): Promise<RunOutcome["kind"]> {
  const { source, jobId, tenantId } = request;
  // Tenants write to the bucket, too: only what lies among the segments was admitted.
  if (!source.key.startsWith(PREFIXES.segments))
    throw new MissingRecordError(`${source.key} is not a segment`);
  const bytes = await ports.objects.getRange(source.key, source.offset, source.length);
  const record = parseStoredJson(jobRecordSchema, bytes);
  if (record.jobId !== jobId || record.tenantId !== tenantId)
    throw new MissingRecordError(`${source.key} does not hold job ${jobId}`);
  const last = request.reason === "dead-letter";
  const outcome = await runJob({ record, messageId: null, source, retry: false, last }, ports);
  if (outcome.kind === "duplicate" && outcome.job.state === "ended") await deliverAgain(outcome.job, ports);
  return outcome.kind;
}

/** The worker that ended the job may have died before its result was on the way. */
async function deliverAgain(
  job: Extract<RunOutcome, { job: unknown }>["job"],
  ports: RunPorts,
): Promise<void> {
  if (job.state !== "ended") return;
  const { key, offset, length } = job.result;
  await ports.deliveries.send([
    { version: 1, kind: "lines", tenantId: job.tenantId, key, lines: [{ offset, length }] },
  ]);
}
