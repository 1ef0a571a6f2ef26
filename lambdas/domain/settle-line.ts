import type { PlannedBatch } from "./batch-record.ts";
import { costOf } from "./cost.ts";
import { decideFailure, type FailureOrigin } from "./failure-policy.ts";
import { toIso } from "./instant.ts";
import type { JobHeader, ManifestEntry } from "./job-record.ts";
import { type PicoUsd, toMicroUsd } from "./money.ts";
import type { PriceRow } from "./price-row.ts";
import type { EndStatus, Lane } from "./vocabulary.ts";
import type { StoredResult } from "./result-message.ts";
import { NO_USAGE, type TokenUsage } from "./usage.ts";

/** What was seen of one attempt: an answer of the provider, or why there is none. */
export type AttemptOutcome =
  | { readonly kind: "answered"; readonly usage: TokenUsage; readonly response: unknown }
  | {
      readonly kind: "failed";
      readonly origin: FailureOrigin;
      readonly code: string;
      readonly message: string;
    };

/** What one billed answer costs, and would have cost synchronously. */
export type Charge = { readonly usage: TokenUsage; readonly cost: PicoUsd; readonly syncCost: PicoUsd };

/** What one attempt comes to. `end`: the job is over, with this result; a charge whenever the provider billed. */
export type AttemptSettlement =
  | { readonly kind: "end"; readonly result: StoredResult; readonly charge: Charge | null }
  | { readonly kind: "retry" }
  | { readonly kind: "dead-letter"; readonly reason: { readonly code: string; readonly message: string } };

export type AttemptContext = {
  readonly lane: Lane;
  readonly prices: { readonly lane: PriceRow; readonly sync: PriceRow };
  /** When the provider finished the work. */
  readonly producedAt: number;
};

/** What a line of a batch comes to: pure, so that settling a part twice is settling it once. */
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
  if (outcome.kind === "answered") return settleAnswer(entry.job, entry.attempt, outcome, context);
  const decision = decideFailure(outcome.origin, entry.attempt, entry.roundStart);
  switch (decision) {
    case "fail":
      return { kind: "end", result: failedResult(entry.job, entry.attempt, outcome, context), charge: null };
    case "retry":
      return { kind: "retry" };
    case "dead-letter":
      return { kind: "dead-letter", reason: { code: outcome.code, message: outcome.message } };
  }
}

export function settleAnswer(
  job: JobHeader,
  attempt: number,
  outcome: Extract<AttemptOutcome, { kind: "answered" }>,
  context: AttemptContext,
): Extract<AttemptSettlement, { kind: "end" }> {
  const charge: Charge = {
    usage: outcome.usage,
    cost: costOf(outcome.usage, context.prices.lane),
    syncCost: costOf(outcome.usage, context.prices.sync),
  };
  const result = { ...resultOf(job, attempt, "succeeded", charge, context), response: outcome.response };
  return { kind: "end", result, charge };
}

/** The result of a job that ends without an answer. */
export function failedResult(
  job: JobHeader,
  attempt: number,
  failure: { readonly code: string; readonly message: string },
  context: Pick<AttemptContext, "lane" | "producedAt">,
): StoredResult {
  const { code, message } = failure;
  return { ...resultOf(job, attempt, "failed", null, context), error: { code, message } };
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
