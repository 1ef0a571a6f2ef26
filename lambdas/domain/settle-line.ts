import { defaultModelPrice } from "./aliases.ts";
import type { Finish } from "./answer.ts";
import type { PlannedBatch } from "./batch-record.ts";
import { costOf } from "./cost.ts";
import {
  type BatchDecision,
  type BatchFailure,
  batchPolicy,
  decideBatchFailure,
  ownWords,
} from "./failure-policy.ts";
import { toIso } from "./instant.ts";
import type { JobHeader, ManifestEntry } from "./job-record.ts";
import { type PicoUsd, toMicroUsd } from "./money.ts";
import type { PriceRow } from "./price-row.ts";
import type { EndStatus, Lane } from "./vocabulary.ts";
import type { StoredResult } from "./result-message.ts";
import { NO_USAGE, type TokenUsage } from "./usage.ts";

/** What was seen of one attempt: an answer of the provider, or why there is none. */
export type AttemptOutcome =
  | {
      readonly kind: "answered";
      readonly usage: TokenUsage;
      readonly response: unknown;
      readonly finish: Finish;
    }
  | {
      readonly kind: "failed";
      readonly seen: BatchFailure;
      readonly code: string;
      readonly message: string;
    };

/**
 * What one answer costs, and would have cost synchronously. `confirmed`: the provider told what it used; otherwise it is
 * the estimate of what it may have billed.
 */
export type Charge = {
  readonly usage: TokenUsage;
  readonly cost: PicoUsd;
  readonly syncCost: PicoUsd;
  /** At once, with the model that the job's alias stands for; absent where there is nothing to compare. */
  readonly defaultModelCost?: PicoUsd;
  readonly confirmed: boolean;
};

type Reason = { readonly code: string; readonly message: string };

/** What becomes of the job of one attempt. */
export type AttemptMove =
  | { readonly kind: "end"; readonly result: StoredResult }
  | (Extract<BatchDecision, { kind: "next-batch" }> & { readonly reason: Reason })
  | { readonly kind: "alone" | "dead-letter"; readonly reason: Reason }
  | { readonly kind: "none" };

/** What one attempt comes to: a move of its job, and a charge whenever the provider billed, or may have. */
export type AttemptSettlement = { readonly move: AttemptMove; readonly charge: Charge | null };

export type AttemptContext = {
  readonly lane: Lane;
  readonly prices: { readonly lane: PriceRow; readonly sync: PriceRow };
  /** When the provider finished the work. */
  readonly producedAt: number;
};

/**
 * What a line of a batch comes to: pure, so that settling a part twice is settling it once. An orphan's jobs are not its
 * own to move: only its answers count.
 */
export function settleBatchLine(
  entry: ManifestEntry,
  outcome: AttemptOutcome,
  batch: PlannedBatch,
  completedAt: number,
): AttemptSettlement {
  const context = {
    lane: "batch" as const,
    prices: { lane: batch.prices.batch, sync: batch.prices.sync },
    producedAt: completedAt,
  };
  if (outcome.kind === "answered") {
    const { result, charge } = settleAnswer(entry.job, entry.attempt, outcome, context);
    return { move: { kind: "end", result }, charge };
  }
  const { unconfirmed } = batchPolicy(outcome.seen);
  const charge = unconfirmed ? estimatedCharge(entry.job, context.prices, completedAt) : null;
  return { move: moveOf(entry, outcome, batch, context), charge };
}

function moveOf(
  entry: ManifestEntry,
  outcome: Extract<AttemptOutcome, { kind: "failed" }>,
  batch: PlannedBatch,
  context: AttemptContext,
): AttemptMove {
  if (batch.orphanOf !== null) return { kind: "none" };
  const { attempt, roundStart } = entry;
  const decision = decideBatchFailure(outcome.seen, { attempt, roundStart, requests: batch.requests });
  const reason = { code: outcome.code, message: outcome.message };
  switch (decision.kind) {
    case "fail":
      return { kind: "end", result: failedResult(entry.job, attempt, reason, context) };
    case "next-batch":
      return { ...decision, reason };
    case "alone":
    case "dead-letter":
      return { kind: decision.kind, reason };
    case "none":
      return { kind: "none" };
  }
}

/** What a call may have cost that nobody can tell the tokens of; `at` as the ledger dates it. */
export function estimatedCharge(job: JobHeader, prices: AttemptContext["prices"], at: number): Charge {
  const usage = { ...NO_USAGE, ...job.estimate };
  return {
    usage,
    cost: costOf(usage, prices.lane),
    syncCost: costOf(usage, prices.sync),
    ...defaultModelCost(job, usage, at),
    confirmed: false,
  };
}

/** By the price of the day on which the ledger dates the work, so that every re-run finds the same. */
export function defaultModelCost(
  job: Pick<JobHeader, "alias" | "group">,
  usage: TokenUsage,
  at: number,
): Pick<Charge, "defaultModelCost"> {
  const price = defaultModelPrice(job, at);
  return price ? { defaultModelCost: costOf(usage, price) } : {};
}

/** The result and the charge of an answer. One that was refused or cut off is a success all the same, and says so. */
export function settleAnswer(
  job: JobHeader,
  attempt: number,
  outcome: Extract<AttemptOutcome, { kind: "answered" }>,
  context: AttemptContext,
): { readonly result: StoredResult; readonly charge: Charge } {
  const charge: Charge = {
    usage: outcome.usage,
    cost: costOf(outcome.usage, context.prices.lane),
    syncCost: costOf(outcome.usage, context.prices.sync),
    ...defaultModelCost(job, outcome.usage, context.producedAt),
    confirmed: true,
  };
  const result = {
    ...resultOf(job, attempt, "succeeded", charge, context),
    response: outcome.response,
    error: outcome.finish === "complete" ? null : ownWords(`${outcome.finish}-answer`),
  };
  return { result, charge };
}

/** The result of a job that ends without an answer. */
export function failedResult(
  job: JobHeader,
  attempt: number,
  { code, message }: Reason,
  context: Pick<AttemptContext, "lane" | "producedAt">,
  status: "failed" | "expired" | "cancelled" = "failed",
): StoredResult {
  return { ...resultOf(job, attempt, status, null, context), error: { code, message } };
}

function resultOf(
  job: JobHeader,
  attempt: number,
  status: EndStatus,
  charge: Charge | null,
  context: Pick<AttemptContext, "lane" | "producedAt">,
): StoredResult {
  const usage = charge?.usage ?? NO_USAGE;
  const fresh = status === "succeeded" && job.effectiveForSeconds !== undefined;
  return {
    version: 1,
    jobId: job.jobId,
    messageId: null,
    tenantId: job.tenantId,
    idempotencyKey: job.idempotencyKey,
    taskType: job.taskType,
    vertical: job.vertical,
    agentId: job.agentId,
    status,
    late: context.producedAt > job.due,
    response: null,
    error: null,
    provider: job.group.provider,
    model: job.group.model,
    tier: job.tier,
    lane: context.lane,
    attempts: attempt,
    usage: {
      inputTokens: usage.inputTokens,
      cachedInputTokens: usage.cachedInputTokens,
      cacheWriteTokens: usage.cacheWrite5mTokens + usage.cacheWrite1hTokens,
      outputTokens: usage.outputTokens,
      reasoningTokens: usage.reasoningTokens,
    },
    costMicroUsd: toMicroUsd(charge?.cost ?? 0n),
    syncCostMicroUsd: toMicroUsd(charge?.syncCost ?? 0n),
    costPicoUsd: (charge?.cost ?? 0n).toString(),
    producedAt: toIso(context.producedAt),
    effectiveUntil: fresh ? toIso(context.producedAt + (job.effectiveForSeconds ?? 0) * 1000) : null,
    metadata: job.metadata ?? {},
  };
}
