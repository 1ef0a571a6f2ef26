import { sendResults } from "../deliver-results/deliver-results.ts";
import { readAnswer } from "../domain/answer.ts";
import { TerminalError } from "../domain/failures.ts";
import type { JobRecord } from "../domain/job-record.ts";
import { isEscalated } from "../domain/job-lanes.ts";
import type { CallIntent, Job, RunningJob, TransitionOutcome } from "../domain/job-state.ts";
import { encodeLine } from "../domain/jsonl.ts";
import { directLedgerEntry } from "../domain/ledger-entries.ts";
import { directResultKey } from "../domain/object-keys.ts";
import { directPremium } from "../domain/premium.ts";
import { fromMicroUsd } from "../domain/money.ts";
import type { PriceRow } from "../domain/price-row.ts";
import { findPrice } from "../domain/prices.ts";
import { type StoredResult, storedResultSchema } from "../domain/result-message.ts";
import { servedLane } from "../domain/served-lane.ts";
import {
  type AttemptOutcome,
  type Charge,
  defaultModelCost,
  estimatedCharge,
  settleAnswer,
} from "../domain/settle-line.ts";
import { parseStoredJson } from "../domain/stored-json.ts";
import type { Lane } from "../domain/vocabulary.ts";
import type { RunPorts } from "./direct-work.ts";

type Answered = Extract<AttemptOutcome, { kind: "answered" }>;

const DIRECT_STEP = "direct-";

function stepOf(record: JobRecord, attempt: number): string {
  return `${DIRECT_STEP}${record.jobId}-${attempt}`;
}

/** Ends a job with an answer: the stored result first, from which every later step can be made again. */
export async function finishSucceeded(
  record: JobRecord,
  intent: CallIntent,
  answer: Answered,
  producedAt: number,
  ports: RunPorts,
): Promise<void> {
  const { attempt, at, lane: asked = "sync" } = intent;
  const lane = servedLane(record.group.model, answer.response, { lane: asked, at });
  const prices = { lane: priceIn(lane, record, at), sync: priceIn("sync", record, at) };
  const { result, charge } = settleAnswer(record, attempt, answer, { lane, prices, producedAt });
  const won = (await endWith(result, record, attempt, ports)) === "won";
  // Somebody may be waiting for it, and nobody for the ledger: what a dead worker left unwritten its message brings up again.
  if (won) await deliver(result, record, attempt, ports);
  await recordCharge(
    { kind: "direct", job: record, attempt, lane, charge, at: producedAt, won },
    intent,
    ports,
  );
}

/** Ends a job without an answer; nothing was billed for it. */
export async function finishFailed(
  record: JobRecord,
  { attempt }: Pick<RunningJob, "attempt">,
  result: StoredResult,
  ports: RunPorts,
): Promise<void> {
  const outcome = await endWith(result, record, attempt, ports);
  if (outcome === "won") await deliver(result, record, attempt, ports);
}

/** Stores that a call was answered without a result: whoever takes the job over need not take the call for lost. */
export async function storeFailure(
  record: JobRecord,
  attempt: number,
  result: StoredResult,
  ports: RunPorts,
): Promise<void> {
  await ports.objects.put(directResultKey(record.tenantId, record.jobId, attempt), encodeLine(result));
}

/**
 * Goes on with a call whose worker died, from what that worker stored: a success is settled; a failure billed nothing.
 * `unanswered`: nothing is stored, and nobody will answer for the call.
 */
export async function resumeCall(
  record: JobRecord,
  intent: CallIntent,
  ports: RunPorts,
): Promise<"succeeded" | "failed" | "unanswered"> {
  const { attempt, at } = intent;
  const stored = await storedResult(directResultKey(record.tenantId, record.jobId, attempt), ports);
  // An older one is of a job that had the same key and is forgotten.
  if (!stored || Date.parse(stored.producedAt) < at) return "unanswered";
  if (stored.status !== "succeeded") return "failed";
  const ran = withModelOf(stored, record);
  await finishSucceeded(ran, intent, answerOf(stored, ran), Date.parse(stored.producedAt), ports);
  return "succeeded";
}

/**
 * A job that ended here before may have lost its worker before the ledger was written: its entry is put again, as its
 * result says it was, since a duplicate may come with other tags.
 */
export async function settleAgain(job: Job, record: JobRecord, ports: RunPorts): Promise<void> {
  if (job.state !== "ended" || !job.endedBy.startsWith(DIRECT_STEP) || job.status !== "succeeded") return;
  const stored = await storedResult(job.result.key, ports);
  if (!stored) return;
  const { usage } = answerOf(stored, record);
  const { vertical, agentId, taskType, lane, attempts: attempt } = stored;
  if (vertical === null || agentId === null || taskType === null || lane === null)
    throw new TerminalError(`the stored result of job ${record.jobId} lacks its tags`);
  // The cost as it was settled: prices may have changed since.
  const cost = BigInt(stored.costPicoUsd);
  const syncCost = lane === "sync" ? cost : fromMicroUsd(stored.syncCostMicroUsd);
  const at = Date.parse(stored.producedAt);
  const ran = { ...withModelOf(stored, record), vertical, agentId, taskType };
  const charge = { usage, cost, syncCost, ...defaultModelCost(ran, usage, at), confirmed: true };
  const escalated = isEscalated(job, attempt);
  await recordCharge(
    { kind: "direct", job: ran, attempt, lane, charge, at, won: true },
    { escalated },
    ports,
  );
}

/** A call that nobody answered for: the ledger names it, with what it may have cost, for the operator to confirm. */
export async function recordLostCall(record: JobRecord, intent: CallIntent, ports: RunPorts): Promise<void> {
  const { attempt, at, lane = "sync" } = intent;
  const prices = { lane: priceIn(lane, record, at), sync: priceIn("sync", record, at) };
  const charge = estimatedCharge(record, prices, at);
  await recordCharge(
    { kind: "unconfirmed", job: record, attempt, lane, charge, at, won: false },
    intent,
    ports,
  );
}

type DirectCharge = {
  readonly kind: "direct" | "unconfirmed";
  readonly job: JobRecord;
  readonly attempt: number;
  readonly lane: Lane;
  readonly charge: Charge;
  readonly at: number;
  readonly won: boolean;
};

async function recordCharge(
  { kind, ...charged }: DirectCharge,
  intent: Pick<CallIntent, "escalated" | "hedged">,
  ports: RunPorts,
): Promise<void> {
  const { job, charge, at, won } = charged;
  const { usage, cost } = charge;
  const premium = directPremium({ model: job.group.model, usage, cost, at, won }, intent);
  await ports.ledger.record([directLedgerEntry(kind, { ...charged, premium })]);
}

async function endWith(
  result: StoredResult,
  record: JobRecord,
  attempt: number,
  ports: RunPorts,
): Promise<TransitionOutcome> {
  const { tenantId, jobId } = record;
  const key = directResultKey(tenantId, jobId, attempt);
  const text = encodeLine(result);
  await ports.objects.put(key, text);
  return ports.jobs.end({
    tenantId,
    jobId,
    attempt,
    receivedAt: record.receivedAt,
    endedBy: stepOf(record, attempt),
    status: result.status,
    result: { key, offset: 0, length: Buffer.byteLength(text) },
    costPicoUsd: result.costPicoUsd,
    producedAt: Date.parse(result.producedAt),
    effectiveUntil: result.effectiveUntil === null ? null : Date.parse(result.effectiveUntil),
    endedAt: ports.runtime.now(),
  });
}

/** Straight to the tenant's queue; by way of our own, which tries again and keeps what fails, where that one does not take it. */
async function deliver(
  result: StoredResult,
  { tenantId, jobId }: JobRecord,
  attempt: number,
  ports: RunPorts,
): Promise<void> {
  const key = directResultKey(tenantId, jobId, attempt);
  if (ports.straight !== undefined) {
    const place = {
      bucket: ports.objects.bucket,
      key,
      offset: 0,
      length: Buffer.byteLength(encodeLine(result)),
    };
    try {
      await sendResults(tenantId, () => [{ ...result, result: place }], ports.straight);
      return;
    } catch (error) {
      ports.tell?.detoured?.({ tenantId, jobId, error });
    }
  }
  await ports.deliveries.send([{ version: 1, kind: "object", tenantId, key }]);
}

async function storedResult(key: string, ports: RunPorts): Promise<StoredResult | undefined> {
  const bytes = await ports.objects.get(key);
  return bytes && parseStoredJson(storedResultSchema, bytes);
}

function answerOf(stored: StoredResult, record: JobRecord): Answered {
  const answer = readAnswer(record.group.endpoint, stored.response);
  if (!answer) throw new TerminalError(`the stored answer of job ${record.jobId} cannot be read`);
  const { usage, response, finish } = answer;
  return { kind: "answered", usage, response, finish };
}

/** The model that was called: an alias may have been given another route between a message and its redelivery. */
function withModelOf({ model }: StoredResult, record: JobRecord): JobRecord {
  return model === null ? record : { ...record, group: { ...record.group, model } };
}

function priceIn(lane: Lane, record: JobRecord, at: number): PriceRow {
  const row = findPrice(record.group.model, lane, at);
  if (!row)
    throw new TerminalError(`model ${record.group.model} was admitted without a price in lane ${lane}`);
  return row;
}
