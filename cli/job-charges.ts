import { utcDate } from "../lambdas/domain/instant.ts";
import type { Job } from "../lambdas/domain/job-state.ts";
import type { LedgerEntry } from "../lambdas/domain/ledger-entry.ts";
import { formatUsd } from "../lambdas/domain/money.ts";
import { type StoredResult, storedResultSchema } from "../lambdas/domain/result-message.ts";
import { parseStoredJson } from "../lambdas/domain/stored-json.ts";
import type { Stack } from "./stack.ts";

const DAY_MS = 86_400_000;
/** A call that was under way at a job's end is accounted for within days. */
const CHARGED_LATE_DAYS = 8;
const NO_END = "9999-12-31";

/** What was charged for a job: its direct calls by attempt, and its own line of a batch. */
export type JobCharge = {
  /** `batch`: as its result says; the ledger holds it in the sum of its batch's part. */
  readonly kind: LedgerEntry["kind"];
  readonly attempt: number;
  readonly lane: string;
  readonly costPicoUsd: string;
  /** Of the cost, what was paid on top to keep the deadline. */
  readonly premiumPicoUsd: string;
};

/** The result of an ended job, if it is still stored. */
export async function resultOf(
  job: Job,
  objects: Pick<Stack["objects"], "getRange">,
): Promise<StoredResult | undefined> {
  if (job.state !== "ended") return undefined;
  const { key, offset, length } = job.result;
  try {
    return parseStoredJson(storedResultSchema, await objects.getRange(key, offset, length));
  } catch {
    // Results are kept for a while only, and the rest is worth showing all the same.
    return undefined;
  }
}

/** Reads the tenant's ledger from the day on which the job came: an operator's look at one job may take a moment. */
export async function chargesOf(
  job: Job,
  receivedAt: number | undefined,
  result: StoredResult | undefined,
  ledger: Stack["ledger"],
): Promise<JobCharge[]> {
  const began = Math.min(...job.story.map(({ at }) => at), receivedAt ?? Infinity, job.roundAt || Infinity);
  const from = utcDate(began === Infinity ? 0 : began - DAY_MS);
  const to = job.state === "ended" ? utcDate(job.endedAt + CHARGED_LATE_DAYS * DAY_MS) : NO_END;
  const charges: JobCharge[] = [];
  for await (const entry of ledger.entries(job.tenantId, from, to)) {
    const [, kind, jobId, attempt] = entry.entryId.split("#");
    if (jobId !== job.jobId || kind !== entry.kind) continue;
    const { lane, costPicoUsd, premiumPicoUsd = "0" } = entry;
    charges.push({ kind: entry.kind, attempt: Number(attempt), lane, costPicoUsd, premiumPicoUsd });
  }
  if (result?.lane === "batch" && result.status === "succeeded") {
    const { attempts: attempt, costPicoUsd } = result;
    charges.push({ kind: "batch", attempt, lane: "batch", costPicoUsd, premiumPicoUsd: "0" });
  }
  return charges.toSorted((a, b) => a.attempt - b.attempt);
}

/** One line each, and their sum where there are several. */
export function chargeLines(charges: readonly JobCharge[]): string[] {
  const lines = charges.map(({ kind, attempt, lane, costPicoUsd, premiumPicoUsd }) => {
    const premium = BigInt(premiumPicoUsd);
    const onTop = premium === 0n ? "" : `, of which premium ${formatUsd(premium, 9)}`;
    const estimate = kind === "unconfirmed" ? " (an estimate: its answer was lost)" : "";
    return `attempt ${attempt} in the lane ${lane}: ${formatUsd(BigInt(costPicoUsd), 9)}${onTop}${estimate}`;
  });
  if (charges.length < 2) return lines;
  const total = charges.reduce((sum, { costPicoUsd }) => sum + BigInt(costPicoUsd), 0n);
  return [...lines, `together: ${formatUsd(total, 9)}`];
}
