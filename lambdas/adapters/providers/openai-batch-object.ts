import { z } from "zod";
import type { ProviderBatch } from "../../domain/batch-record.ts";
import { type BatchId, batchIdSchema } from "../../domain/ids.ts";

/** A moment in whole seconds since the epoch, rounded down. */
const seconds = z.number().nullish();

const errorSchema = z.object({
  code: z.string().nullish(),
  line: z.number().nullish(),
  message: z.string().nullish(),
});

/** OpenAI's batch object, as far as it is used here. */
export const openAiBatchSchema = z.object({
  id: z.string(),
  status: z.string(),
  created_at: z.number(),
  in_progress_at: seconds,
  finalizing_at: seconds,
  completed_at: seconds,
  failed_at: seconds,
  expired_at: seconds,
  cancelling_at: seconds,
  cancelled_at: seconds,
  request_counts: z.object({ total: z.number(), completed: z.number(), failed: z.number() }).nullish(),
  errors: z.object({ data: z.array(errorSchema).nullish() }).nullish(),
  input_file_id: z.string().nullish(),
  output_file_id: z.string().nullish(),
  error_file_id: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
});
type OpenAiBatch = z.infer<typeof openAiBatchSchema>;

const END_STATES: ReadonlySet<string> = new Set(["completed", "failed", "expired", "cancelled"]);

export function toProviderBatch(batch: OpenAiBatch): ProviderBatch {
  const ended = END_STATES.has(batch.status);
  return {
    id: batch.id,
    phase: ended ? "ended" : "running",
    status: batch.status,
    ...stageOf(batch),
    createdAt: batch.created_at * 1000,
    endedAt: ended ? endedAt(batch) * 1000 : null,
    counts: batch.request_counts ?? { total: 0, completed: 0, failed: 0 },
    errors: (batch.errors?.data ?? []).map(({ code, line, message }) => ({
      code: code ?? "unknown",
      line: line ?? null,
      message: message ?? "the provider gave no reason",
    })),
    inputFileId: batch.input_file_id ?? null,
    outputFileId: batch.output_file_id ?? null,
    errorFileId: batch.error_file_id ?? null,
  };
}

/** A state that we do not know is taken for the work itself, whose clock is the longest. */
function stageOf(batch: OpenAiBatch): Pick<ProviderBatch, "stage" | "stageSince"> {
  const { status, created_at, in_progress_at, finalizing_at, cancelling_at } = batch;
  if (END_STATES.has(status)) return { stage: "ended", stageSince: endedAt(batch) * 1000 };
  const started = in_progress_at ?? created_at;
  switch (status) {
    case "validating":
      return { stage: "validating", stageSince: created_at * 1000 };
    case "finalizing":
      return { stage: "finalizing", stageSince: (finalizing_at ?? started) * 1000 };
    case "cancelling":
      return { stage: "cancelling", stageSince: (cancelling_at ?? finalizing_at ?? started) * 1000 };
    default:
      return { stage: "in-progress", stageSince: started * 1000 };
  }
}

/** Its last known moment: compatible servers leave some out, but every reading of one batch must give the same. */
function endedAt(batch: OpenAiBatch): number {
  const { completed_at, failed_at, expired_at, cancelled_at } = batch;
  const { cancelling_at, finalizing_at, in_progress_at, created_at } = batch;
  const end = completed_at ?? failed_at ?? expired_at ?? cancelled_at;
  return end ?? cancelling_at ?? finalizing_at ?? in_progress_at ?? created_at;
}

/** What our batches carry, so that one is recognised whose create was never answered. */
export function batchMetadata(stackName: string, batchId: BatchId): Record<string, string> {
  return { offpeak_stack: stackName, offpeak_batch_id: batchId };
}

/** Our id of a batch, or null for one of somebody else. */
export function batchIdOf(batch: OpenAiBatch, stackName: string): BatchId | null {
  if (batch.metadata?.["offpeak_stack"] !== stackName) return null;
  return batchIdSchema.safeParse(batch.metadata["offpeak_batch_id"]).data ?? null;
}
