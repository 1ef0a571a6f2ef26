import type { BatchTiming } from "./batch-timing.ts";
import type { BatchFaults } from "./faults.ts";
import type { StoredBytes } from "./file-store.ts";

/** Results can be read for this long after a batch was created. */
const RESULTS_KEPT_MS = 29 * 24 * 60 * 60 * 1000;

/** One message batch as the simulator knows it; instants in milliseconds since the epoch. */
export interface AnthropicBatch {
  readonly id: string;
  readonly account: string;
  /** One line per request, in the order in which they were sent. */
  readonly requests: StoredBytes;
  readonly customIds: readonly string[];
  readonly createdAt: number;
  readonly timing: BatchTiming;
  readonly faults: BatchFaults;
  readonly cancellation: AbortController;
  readonly counts: { succeeded: number; errored: number; canceled: number; expired: number };
  status: "in_progress" | "canceling" | "ended";
  cancelInitiatedAt: number | null;
  endedAt: number | null;
  results: StoredBytes | null;
  /** Reads that still answer 404, by fault. */
  hiddenReads: number;
  /** Lists that still leave it out, by fault. */
  hiddenLists: number;
  /** Deleted: no call finds it any more. */
  isDeleted: boolean;
}

type NewBatch = Pick<
  AnthropicBatch,
  "id" | "account" | "requests" | "customIds" | "createdAt" | "timing" | "faults"
>;

export function newAnthropicBatch(given: NewBatch): AnthropicBatch {
  return {
    ...given,
    cancellation: new AbortController(),
    counts: { succeeded: 0, errored: 0, canceled: 0, expired: 0 },
    status: "in_progress",
    cancelInitiatedAt: null,
    endedAt: null,
    results: null,
    hiddenReads: given.faults.notFound?.reads ?? 0,
    hiddenLists: given.faults.listLag?.lists ?? 0,
    isDeleted: false,
  };
}

/** When the results went away, in milliseconds since the epoch; null while they can be read. */
export function archivedAt(batch: AnthropicBatch, now: number): number | null {
  if (batch.faults.resultsGone) return batch.endedAt;
  const end = batch.createdAt + RESULTS_KEPT_MS;
  return now >= end ? end : null;
}

/** The batch as the API shows it. All requests count as processing until the whole batch has ended. */
export function toMessageBatch(batch: AnthropicBatch, baseUrl: string, now: number): object {
  const total = batch.customIds.length;
  const hasEnded = batch.status === "ended";
  return {
    id: batch.id,
    type: "message_batch",
    processing_status: batch.status,
    request_counts: hasEnded
      ? { processing: 0, ...batch.counts }
      : { processing: total, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
    created_at: toInstant(batch.createdAt),
    expires_at: toInstant(batch.createdAt + batch.timing.windowMs),
    ended_at: toInstant(batch.endedAt),
    cancel_initiated_at: toInstant(batch.cancelInitiatedAt),
    archived_at: toInstant(archivedAt(batch, now)),
    results_url: hasEnded ? `${baseUrl}/v1/messages/batches/${batch.id}/results` : null,
  };
}

function toInstant(milliseconds: number | null): string | null {
  return milliseconds === null ? null : new Date(milliseconds).toISOString();
}
