import { z } from "zod";
import type { ProviderBatch } from "../../domain/batch-record.ts";

const count = z.number().default(0);

/** Anthropic's message batch object, as far as it is used here. Times are RFC 3339. */
export const anthropicBatchSchema = z.object({
  id: z.string(),
  processing_status: z.string(),
  created_at: z.iso.datetime({ offset: true }),
  ended_at: z.iso.datetime({ offset: true }).nullish(),
  request_counts: z.object({
    processing: count,
    succeeded: count,
    errored: count,
    canceled: count,
    expired: count,
  }),
});

/** All counts but `processing` stay 0 until the batch has ended; their sum is always the number of requests. */
export function toProviderBatch(batch: z.infer<typeof anthropicBatchSchema>): ProviderBatch {
  const { processing, succeeded, errored, canceled, expired } = batch.request_counts;
  const ended = batch.processing_status === "ended";
  const failed = errored + canceled + expired;
  return {
    id: batch.id,
    phase: ended ? "ended" : "running",
    status: batch.processing_status,
    createdAt: Date.parse(batch.created_at),
    endedAt: ended ? Date.parse(batch.ended_at ?? batch.created_at) : null,
    counts: { total: processing + succeeded + failed, completed: succeeded, failed },
    errors: [],
    // Results have no file of their own: they are reached by the batch's id.
    outputFileId: ended ? batch.id : null,
    errorFileId: null,
  };
}
