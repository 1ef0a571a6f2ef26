import {
  type AdmissionPorts,
  answerCancel,
  answerRepeat,
  limitDelivery,
  type OpenedJob,
  placeJobs,
  turnAway,
} from "../admit-jobs/admit-jobs.ts";
import { cancelJob } from "../admit-jobs/cancel-job.ts";
import { type IncomingMessage, openMessage } from "../admit-jobs/open-message.ts";
import type { AdmissionSettings } from "../domain/admission.ts";
import { MissingRecordError } from "../domain/failures.ts";
import type { RunRequest } from "../domain/internal-messages.ts";
import { lineText } from "../domain/jsonl.ts";
import { PREFIXES } from "../domain/object-keys.ts";
import type { RunQueue } from "../ports.ts";
import type { DirectSettings, LaneChoice, RunPorts } from "./direct-work.ts";
import { limitDirect, settleDirect } from "./budgeted-run.ts";
import { expireJob } from "./expire-job.ts";
import { type RunOutcome, runJob } from "./run-job.ts";
import { readRecord, runStored } from "./run-stored.ts";

export type MessagePorts = AdmissionPorts &
  RunPorts & {
    /** Where calls of the flex lane are made, whose answers take long; without it they are made here. */
    readonly flexRuns?: RunQueue;
  };

export type RunSettings = AdmissionSettings & { readonly direct?: DirectSettings };

/**
 * `left`: what a request asked for no longer concerns the job; `unknown`: there is no such job; `passed-on`: to the worker
 * of the flex lane.
 */
export type TakenOutcome =
  | RunOutcome["kind"]
  | "placed"
  | "cancel-answered"
  | "turned-away"
  | "passed-on"
  | "left"
  | "unknown";

/**
 * Takes one message of a queue for urgent jobs: admits it, and runs it at once when its tier asks for that. A queue is
 * only transport: a job that can wait goes into a segment like any other.
 */
export async function runMessage(
  message: IncomingMessage,
  ports: MessagePorts,
  settings: RunSettings,
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
      if (opened.record.lane !== "batch") return runLimited(opened, ports, settings);
      await placeJobs([opened], ports);
      return "placed";
  }
}

async function runLimited(
  opened: OpenedJob,
  ports: MessagePorts,
  settings: RunSettings,
): Promise<TakenOutcome> {
  const { placed, refused } = await limitDirect(opened, ports);
  const [job] = placed;
  if (job === undefined) {
    await ports.deliveries.send(refused.map(limitDelivery));
    return "turned-away";
  }
  const outcome = await runOpened(job, ports, settings);
  await settleDirect(job, ports);
  return outcome;
}

async function runOpened(
  opened: OpenedJob,
  ports: MessagePorts,
  { direct }: RunSettings,
): Promise<RunOutcome["kind"]> {
  const { record, retry, message } = opened;
  const { messageId } = message;
  const choice: LaneChoice = { lane: "sync", reason: record.laneReason };
  const work = { record, messageId, source: null, retry, attempt: null, last: false, choice };
  const outcome = await runJob(work, ports, direct);
  const delivery = "job" in outcome ? answerRepeat(opened, outcome) : undefined;
  if (delivery) await ports.deliveries.send([delivery]);
  return outcome.kind;
}

/** Does what a run request asks for. A repeat of it finds that done and changes nothing. */
export async function runRequested(
  request: RunRequest,
  ports: MessagePorts,
  settings: RunSettings,
): Promise<TakenOutcome> {
  switch (request.kind) {
    case "run":
      if (request.lane?.lane === "flex" && ports.flexRuns !== undefined) {
        await ports.flexRuns.send([request]);
        return "passed-on";
      }
      return runStored(request, ports, settings.direct);
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

async function bodyOf(
  { body, bodyKey, messageId }: Extract<RunRequest, { kind: "message" }>,
  ports: Pick<RunPorts, "objects">,
): Promise<string> {
  if (body !== null) return body;
  const bytes = bodyKey?.startsWith(PREFIXES.deadLetters) ? await ports.objects.get(bodyKey) : undefined;
  if (bytes === undefined) throw new MissingRecordError(`the body of message ${messageId} is not there`);
  return lineText({ bytes });
}
