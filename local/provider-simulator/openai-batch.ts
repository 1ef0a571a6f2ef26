import type { BatchTiming } from "./batch-timing.ts";
import type { BatchFaults } from "./faults.ts";
import { type BilledUsage, NO_USAGE, promptTokens } from "./invoice.ts";
import { findModel } from "./model-catalog.ts";
import type { OpenAiEndpoint } from "./openai-request-rules.ts";
import type { OpenAiFile } from "./simulator-state.ts";

export type OpenAiBatchStatus =
  | "validating"
  | "failed"
  | "in_progress"
  | "finalizing"
  | "completed"
  | "expired"
  | "cancelling"
  | "cancelled";

/** One entry of a failed batch's `errors.data`. */
export interface BatchProblem {
  readonly code: string;
  readonly line: number | null;
  readonly message: string;
  readonly param: string | null;
}

/** One OpenAI batch as the simulator knows it; instants in milliseconds since the epoch. */
export interface OpenAiBatch {
  readonly id: string;
  readonly account: string;
  readonly endpoint: OpenAiEndpoint;
  readonly inputFile: OpenAiFile;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly outputExpiresAfterSeconds: number | null;
  readonly createdAt: number;
  readonly timing: BatchTiming;
  readonly faults: BatchFaults;
  readonly cancellation: AbortController;
  status: OpenAiBatchStatus;
  /** When each state was entered. */
  readonly enteredAt: Map<OpenAiBatchStatus, number>;
  problems: readonly BatchProblem[];
  model: string | null;
  total: number;
  completed: number;
  failed: number;
  usage: BilledUsage;
  enqueuedTokens: number;
  outputFileId: string | null;
  errorFileId: string | null;
  /** Reads that still answer 404, by fault. */
  hiddenReads: number;
  /** Lists that still leave it out, by fault. */
  hiddenLists: number;
}

type NewBatch = Pick<
  OpenAiBatch,
  | "id"
  | "account"
  | "endpoint"
  | "inputFile"
  | "metadata"
  | "outputExpiresAfterSeconds"
  | "createdAt"
  | "timing"
  | "faults"
>;

export function newOpenAiBatch(given: NewBatch): OpenAiBatch {
  return {
    ...given,
    cancellation: new AbortController(),
    status: "validating",
    enteredAt: new Map(),
    problems: [],
    model: null,
    total: 0,
    completed: 0,
    failed: 0,
    usage: NO_USAGE,
    enqueuedTokens: 0,
    outputFileId: null,
    errorFileId: null,
    hiddenReads: given.faults.notFound?.reads ?? 0,
    hiddenLists: given.faults.listLag?.lists ?? 0,
  };
}

export const END_STATES: ReadonlySet<OpenAiBatchStatus> = new Set([
  "failed",
  "completed",
  "expired",
  "cancelled",
]);

export function hasEnded(batch: OpenAiBatch): boolean {
  return END_STATES.has(batch.status);
}

/** The batch as the API shows it: every field that is not set is null, as at the provider. */
export function toBatchObject(batch: OpenAiBatch): object {
  const at = (status: OpenAiBatchStatus) => toSeconds(batch.enteredAt.get(status));
  return {
    id: batch.id,
    object: "batch",
    endpoint: batch.endpoint,
    model: batch.model === null ? null : (findModel("openai", batch.model)?.snapshot ?? batch.model),
    errors: batch.problems.length > 0 ? { object: "list", data: batch.problems } : null,
    input_file_id: batch.inputFile.id,
    completion_window: "24h",
    status: batch.status,
    output_file_id: batch.outputFileId,
    error_file_id: batch.errorFileId,
    created_at: toSeconds(batch.createdAt),
    in_progress_at: at("in_progress"),
    expires_at: toSeconds(batch.createdAt + batch.timing.windowMs),
    finalizing_at: at("finalizing"),
    completed_at: at("completed"),
    failed_at: at("failed"),
    expired_at: at("expired"),
    cancelling_at: at("cancelling"),
    cancelled_at: at("cancelled"),
    request_counts: { total: batch.total, completed: batch.completed, failed: batch.failed },
    usage: toBatchUsage(batch.usage),
    metadata: batch.metadata,
  };
}

function toBatchUsage(usage: BilledUsage): object {
  const input = promptTokens(usage);
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: usage.cachedInputTokens },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: input + usage.outputTokens,
  };
}

function toSeconds(milliseconds: number | undefined): number | null {
  return milliseconds === undefined ? null : Math.floor(milliseconds / 1000);
}
