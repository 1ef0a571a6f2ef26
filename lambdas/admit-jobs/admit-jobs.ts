import pMap from "p-map";
import type { AdmissionSettings } from "../domain/admission.ts";
import { toIso } from "../domain/instant.ts";
import type { DeadLetter, Delivery } from "../domain/internal-messages.ts";
import type { ClaimOutcome, Job } from "../domain/job-state.ts";
import { deadLetterKey } from "../domain/object-keys.ts";
import type { StoredResult } from "../domain/result-message.ts";
import type {
  Budgets,
  DeadLetterQueues,
  DeliveryQueue,
  JobMap,
  ObjectStore,
  RunQueue,
  Runtime,
  Tenants,
} from "../ports.ts";
import { applyLimits, type BudgetWarning, keepClaimed, type RefusedJob } from "./apply-limits.ts";
import { cancelJob } from "./cancel-job.ts";
import { type EndPorts, firstResultOf } from "./end-unanswered.ts";
import { type IncomingMessage, type OpenedMessage, openMessage, refusalResult } from "./open-message.ts";
import { newSegmentId, writeSegment } from "./segment.ts";

/** A segment is closed before it holds more request bytes than this: what one call keeps in memory. */
const SEGMENT_BYTES = 8 * 1024 * 1024;
/** A dead letter wraps its message; what would not fit a queue message with the wrapping goes to the bucket. */
const LARGEST_WRAPPED_BODY = 256 * 1024;

export type AdmissionPorts = {
  readonly objects: ObjectStore;
  readonly jobs: JobMap;
  readonly tenants: Tenants;
  readonly budgets: Budgets;
  readonly deliveries: DeliveryQueue;
  readonly runs: RunQueue;
  readonly deadLetters: DeadLetterQueues;
  readonly runtime: Runtime;
  /** Tells the operator; nothing is told where it is left out. */
  readonly warn?: (warning: BudgetWarning) => void;
};

/** Cancels under way at once. */
const CANCELS_IN_FLIGHT = 16;

export type OpenedJob = Extract<OpenedMessage, { kind: "job" }>;
export type OpenedCancel = Extract<OpenedMessage, { kind: "cancel" }>;

/** A message that stays on the queue, and why. */
type FailedMessage = { readonly messageId: string; readonly error: unknown };

/** What became of the messages of one call; `failed` are left on the queue and come again. */
export type AdmissionReport = {
  readonly admitted: number;
  readonly duplicates: number;
  readonly refused: number;
  readonly cancels: number;
  readonly unanswerable: number;
  readonly failed: readonly FailedMessage[];
};

/**
 * Admits the messages of one call: jobs into segments, refusals to their tenants, the rest to the dead letters; cancels last,
 * when the jobs that came with them are there to be found. A message that is not in `failed` may be deleted: what it asked for is stored. Running it twice changes nothing.
 */
export async function admitJobs(
  messages: readonly IncomingMessage[],
  ports: AdmissionPorts,
  settings: AdmissionSettings,
): Promise<AdmissionReport> {
  const counts = { admitted: 0, duplicates: 0, refused: 0, cancels: 0, unanswerable: 0 };
  const total = { ...counts, failed: [] as FailedMessage[] };
  const cancels: OpenedCancel[] = [];
  let pending: OpenedJob[] = [];
  let pendingBytes = 0;
  const place = async () => {
    const jobs = pending;
    pending = [];
    pendingBytes = 0;
    await attempt(jobs, total.failed, async () => {
      const placed = await placeJobs(jobs, ports);
      total.admitted += placed.admitted;
      total.duplicates += placed.duplicates;
      total.refused += placed.conflicts + placed.refused;
    });
  };
  // One by one: an uploaded request may be megabytes, and only a segment's worth is held at a time.
  for (const message of messages) {
    await attempt([{ message }], total.failed, async () => {
      const opened = await openMessage(message, ports, settings);
      switch (opened.kind) {
        case "job":
          pending.push(opened);
          pendingBytes += opened.record.lineBytes;
          return;
        case "cancel":
          cancels.push(opened);
          return;
        case "refused":
        case "unanswerable":
          await turnAway(opened, ports);
          total[opened.kind] += 1;
      }
    });
    if (pendingBytes >= SEGMENT_BYTES) await place();
  }
  if (pending.length > 0) await place();
  const cancelOne = (cancel: OpenedCancel) =>
    attempt([cancel], total.failed, async () => {
      await answerCancel(cancel, ports);
      total.cancels += 1;
    });
  await pMap(cancels, cancelOne, { concurrency: CANCELS_IN_FLIGHT });
  return total;
}

/** Runs a step for some messages; when it throws, they stay on the queue, and the others go on. */
async function attempt(
  items: readonly { readonly message: IncomingMessage }[],
  failed: FailedMessage[],
  step: () => Promise<void>,
): Promise<void> {
  try {
    await step();
  } catch (error) {
    failed.push(...items.map(({ message }) => ({ messageId: message.messageId, error })));
  }
}

/** Tells the tenant why its message was refused, or keeps for the operator what can be told to nobody. */
export async function turnAway(
  opened: Extract<OpenedMessage, { kind: "refused" | "unanswerable" }>,
  ports: Pick<AdmissionPorts, "deliveries" | "deadLetters" | "objects" | "runtime">,
): Promise<void> {
  if (opened.kind === "refused") {
    await ports.deliveries.send([inlineDelivery(opened.result)]);
    return;
  }
  const { message, reason } = opened;
  const wrapped = Buffer.byteLength(message.body) <= LARGEST_WRAPPED_BODY;
  if (!wrapped) await ports.objects.put(deadLetterKey(message.messageId), message.body);
  const letter: DeadLetter = {
    version: 1,
    kind: "message",
    reason,
    at: toIso(ports.runtime.now()),
    messageId: message.messageId,
    senderId: message.senderId,
    body: wrapped ? message.body : null,
    bodyKey: wrapped ? null : deadLetterKey(message.messageId),
  };
  await ports.deadLetters.send(message.queue, letter);
}

/** Cancels the job a message names; a tenant that cancels a job which is not there is told so. */
export async function answerCancel({ cancel, message }: OpenedCancel, ports: EndPorts): Promise<void> {
  if ((await cancelJob(cancel, ports)) !== "unknown") return;
  const refusal = {
    code: "unknown_job",
    message:
      "there is no job with this idempotency key, or it ended long ago; messages may overtake one another: if the job was sent just now, send the cancel again",
  };
  await ports.deliveries.send([inlineDelivery(refusalResult(cancel, refusal, message))]);
}

function inlineDelivery(result: StoredResult): Delivery {
  return { version: 1, kind: "inline", tenantId: result.tenantId, results: [result] };
}

/** The refusal of a job that its tenant's limits have no room for. */
export function limitDelivery({ job, refusal }: RefusedJob): Delivery {
  return inlineDelivery(refusalResult(job.record, refusal, job.message));
}

/** How many jobs were claimed, known already, other requests under a known key, and above their tenants' limits. */
type PlacedCounts = {
  readonly admitted: number;
  readonly duplicates: number;
  readonly conflicts: number;
  readonly refused: number;
};

/** Puts the jobs of one call into a segment, each once, and answers the repeats among them. */
export async function placeJobs(opened: readonly OpenedJob[], ports: AdmissionPorts): Promise<PlacedCounts> {
  const firsts = new Map<string, OpenedJob>();
  const repeats: OpenedJob[] = [];
  // Of several repeats the one that asks to open a failed job again speaks for all.
  for (const job of opened.toSorted((a, b) => Number(b.retry) - Number(a.retry))) {
    const key = `${job.record.tenantId}#${job.record.jobId}`;
    if (firsts.has(key)) repeats.push(job);
    else firsts.set(key, job);
  }
  const segmentId = newSegmentId(ports.runtime);
  const { placed: jobs, refused } = await applyLimits([...firsts.values()], segmentId, ports);
  const records = jobs.map(({ record, retry, message }) => ({
    record,
    reopenedBy: retry ? message.messageId : null,
  }));
  const outcomes = jobs.length === 0 ? [] : await writeSegment(segmentId, records, ports);
  const claimed = new Set(jobs.filter((_job, number) => outcomes[number]?.kind === "claimed"));
  await keepClaimed(jobs, claimed, segmentId, ports);
  const deliveries = refused.map(limitDelivery);
  const counts = { admitted: 0, duplicates: 0, conflicts: 0, refused: refused.length };
  const answer = (job: OpenedJob, outcome: ClaimOutcome) => {
    if (outcome.kind === "claimed") counts.admitted += 1;
    else if (outcome.kind === "duplicate") counts.duplicates += 1;
    else counts.conflicts += 1;
    const delivery = answerRepeat(job, outcome);
    if (delivery) deliveries.push(delivery);
  };
  for (const [number, job] of jobs.entries()) {
    const outcome = outcomes[number];
    if (outcome) answer(job, outcome);
  }
  const refusals = new Map(refused.map((one) => [one.job.record.jobId, one.refusal]));
  for (const job of repeats) {
    const refusal = refusals.get(job.record.jobId);
    if (refusal !== undefined) {
      counts.refused += 1;
      deliveries.push(limitDelivery({ job, refusal }));
      continue;
    }
    const known = await ports.jobs.get(job.record.tenantId, job.record.jobId);
    if (!known) continue;
    const conflict = known.requestHash !== job.record.requestHash;
    answer(job, { kind: conflict ? "conflict" : "duplicate", job: known });
  }
  await ports.deliveries.send(deliveries);
  return counts;
}

/**
 * What a repeat gets: the first result again when the job has ended, nothing while it has not (its result is on the
 * way), and a refusal when the same key came with another request.
 */
export function answerRepeat(
  opened: OpenedJob,
  outcome: { readonly kind: string; readonly job?: Job },
): Delivery | undefined {
  const { record, message } = opened;
  if (outcome.kind === "conflict") {
    const refusal = {
      code: "idempotency_conflict",
      message: "this idempotency key was already used for another request; use a new key",
    };
    return inlineDelivery(refusalResult(record, refusal, message));
  }
  if (outcome.kind !== "duplicate" || outcome.job?.state !== "ended") return undefined;
  return firstResultOf(outcome.job);
}
