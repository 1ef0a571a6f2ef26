import { z } from "zod";
import type { ProviderBatch } from "../../domain/batch-record.ts";

const count = z.number().default(0);
const moment = z.iso.datetime({ offset: true });

/** Anthropic's message batch object, as far as it is used here. Times are RFC 3339. */
export const anthropicBatchSchema = z.object({
  id: z.string(),
  processing_status: z.string(),
  created_at: moment,
  cancel_initiated_at: moment.nullish(),
  ended_at: moment.nullish(),
  archived_at: moment.nullish(),
  results_url: z.string().nullish(),
  request_counts: z.object({
    processing: count,
    succeeded: count,
    errored: count,
    canceled: count,
    expired: count,
  }),
});
type AnthropicBatch = z.infer<typeof anthropicBatchSchema>;

/** All counts but `processing` stay 0 until the batch has ended; their sum is always the number of requests. */
export function toProviderBatch(batch: AnthropicBatch): ProviderBatch {
  const { processing, succeeded, errored, canceled, expired } = batch.request_counts;
  const ended = batch.processing_status === "ended";
  const failed = errored + canceled + expired;
  return {
    id: batch.id,
    phase: ended ? "ended" : "running",
    status: batch.processing_status,
    ...stageOf(batch),
    createdAt: Date.parse(batch.created_at),
    endedAt: ended ? endedAt(batch) : null,
    counts: { total: processing + succeeded + failed, completed: succeeded, failed },
    errors: [],
    inputFileId: null,
    outputFileId: hasResults(batch) ? batch.id : null,
    errorFileId: null,
  };
}

/** It validates nothing and finalizes nothing that it would tell of: a batch runs, is cancelled, or has ended. */
function stageOf(batch: AnthropicBatch): Pick<ProviderBatch, "stage" | "stageSince"> {
  if (batch.processing_status === "ended") return { stage: "ended", stageSince: endedAt(batch) };
  const cancelling = batch.processing_status === "canceling";
  const since = cancelling ? (batch.cancel_initiated_at ?? batch.created_at) : batch.created_at;
  return { stage: cancelling ? "cancelling" : "in-progress", stageSince: Date.parse(since) };
}

function endedAt(batch: AnthropicBatch): number {
  return Date.parse(batch.ended_at ?? batch.cancel_initiated_at ?? batch.created_at);
}

/**
 * Results have no file of their own: they are reached by the batch's id, from its end until they are archived. A server
 * that leaves the address out, rather than say that there is none, is believed to have them.
 */
function hasResults(batch: AnthropicBatch): boolean {
  return batch.processing_status === "ended" && batch.results_url !== null && batch.archived_at == null;
}
