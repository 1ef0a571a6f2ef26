import { readAnswer } from "../domain/answer.ts";
import { costOf } from "../domain/cost.ts";
import { TerminalError } from "../domain/failures.ts";
import type { JobRecord } from "../domain/job-record.ts";
import type { Job, RunningJob, TransitionOutcome } from "../domain/job-state.ts";
import { encodeLine } from "../domain/jsonl.ts";
import { directLedgerEntry } from "../domain/ledger-entries.ts";
import { directResultKey } from "../domain/object-keys.ts";
import type { PriceRow } from "../domain/price-row.ts";
import { findPrice } from "../domain/prices.ts";
import { type StoredResult, storedResultSchema } from "../domain/result-message.ts";
import { type AttemptOutcome, type Charge, settleAnswer } from "../domain/settle-line.ts";
import { NO_USAGE } from "../domain/usage.ts";
import type { RunPorts } from "./direct-work.ts";
import { parseStoredJson } from "../domain/stored-json.ts";

type Answered = Extract<AttemptOutcome, { kind: "answered" }>;
type Intent = RunningJob["intent"];

const DIRECT_STEP = "direct-";

function stepOf(record: JobRecord, attempt: number): string {
  return `${DIRECT_STEP}${record.jobId}-${attempt}`;
}

/** Ends a job with an answer: the stored result first, from which every later step can be made again. */
export async function finishSucceeded(
  record: JobRecord,
  { attempt, intent }: Pick<RunningJob, "attempt" | "intent">,
  answer: Answered,
  producedAt: number,
  ports: RunPorts,
): Promise<void> {
  const prices = { lane: syncPrice(record, intent.at), sync: syncPrice(record, intent.at) };
  const { result, charge } = settleAnswer(record, attempt, answer, { lane: "sync", prices, producedAt });
  const outcome = await endWith(result, record, attempt, ports);
  if (charge)
    await recordCharge({ job: record, attempt, charge, at: producedAt, won: outcome === "won" }, ports);
  if (outcome === "won") await deliver(record, attempt, ports);
}

/** Ends a job without an answer; nothing was billed for it. */
export async function finishFailed(
  record: JobRecord,
  { attempt }: Pick<RunningJob, "attempt">,
  result: StoredResult,
  ports: RunPorts,
): Promise<void> {
  const outcome = await endWith(result, record, attempt, ports);
  if (outcome === "won") await deliver(record, attempt, ports);
}

/** Settles a success whose worker died after storing it. False when there is none: the call was never answered for. */
export async function resumeSucceeded(
  record: JobRecord,
  lost: RunningJob,
  ports: RunPorts,
): Promise<boolean> {
  const stored = await storedResult(directResultKey(record.tenantId, record.jobId, lost.attempt), ports);
  // An older one is of a job that had the same key and is forgotten.
  if (stored?.status !== "succeeded" || Date.parse(stored.producedAt) < lost.intent.at) return false;
  await finishSucceeded(record, lost, answerOf(stored, record), Date.parse(stored.producedAt), ports);
  return true;
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
  const { vertical, agentId, taskType, attempts: attempt } = stored;
  if (vertical === null || agentId === null || taskType === null)
    throw new TerminalError(`the stored result of job ${record.jobId} lacks its tags`);
  // The cost as it was settled: prices may have changed since.
  const charge = { usage, cost: BigInt(stored.costPicoUsd), syncCost: BigInt(stored.costPicoUsd) };
  const ran = { ...record, vertical, agentId, taskType };
  await recordCharge({ job: ran, attempt, charge, at: Date.parse(stored.producedAt), won: true }, ports);
}

/** A call that nobody answered for: the ledger names it, with what it may have cost, for the operator to confirm. */
export async function recordLostCall(record: JobRecord, intent: Intent, ports: RunPorts): Promise<void> {
  const usage = { ...NO_USAGE, ...record.estimate };
  const cost = costOf(usage, syncPrice(record, intent.at));
  const charge = { usage, cost, syncCost: cost };
  const call = {
    job: record,
    attempt: intent.attempt,
    charge,
    at: intent.at,
    won: false,
    lane: "sync" as const,
  };
  await ports.ledger.record([directLedgerEntry("unconfirmed", call)]);
}

type DirectCharge = {
  readonly job: JobRecord;
  readonly attempt: number;
  readonly charge: Charge;
  readonly at: number;
  readonly won: boolean;
};

async function recordCharge(charged: DirectCharge, ports: RunPorts): Promise<void> {
  await ports.ledger.record([directLedgerEntry("direct", { ...charged, lane: "sync" })]);
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
    endedBy: stepOf(record, attempt),
    status: result.status,
    result: { key, offset: 0, length: Buffer.byteLength(text) },
    costPicoUsd: result.costPicoUsd,
    producedAt: Date.parse(result.producedAt),
    effectiveUntil: result.effectiveUntil === null ? null : Date.parse(result.effectiveUntil),
    endedAt: ports.runtime.now(),
  });
}

async function deliver({ tenantId, jobId }: JobRecord, attempt: number, ports: RunPorts): Promise<void> {
  const key = directResultKey(tenantId, jobId, attempt);
  await ports.deliveries.send([{ version: 1, kind: "object", tenantId, key }]);
}

async function storedResult(key: string, ports: RunPorts): Promise<StoredResult | undefined> {
  const bytes = await ports.objects.get(key);
  return bytes && parseStoredJson(storedResultSchema, bytes);
}

function answerOf(stored: StoredResult, record: JobRecord): Answered {
  const answer = readAnswer(record.group.endpoint, stored.response);
  if (!answer) throw new TerminalError(`the stored answer of job ${record.jobId} cannot be read`);
  return { kind: "answered", usage: answer.usage, response: answer.response };
}

function syncPrice(record: JobRecord, at: number): PriceRow {
  const row = findPrice(record.group.model, "sync", at);
  if (!row) throw new TerminalError(`model ${record.group.model} was admitted without a price`);
  return row;
}
