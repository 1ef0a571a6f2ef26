import { MissingRecordError } from "../domain/failures.ts";
import type { BatchId } from "../domain/ids.ts";
import { pollWaitSeconds } from "../domain/poll-schedule.ts";
import type { BatchProvider, Batches } from "../ports.ts";

export type Poll = { readonly phase: "running" | "ended"; readonly waitSeconds: number };

/** Looks once whether the provider is done with a batch, and says how long to wait before looking again. */
export async function pollBatch(
  batchId: BatchId,
  polls: number,
  ports: { readonly batches: Batches; readonly provider: BatchProvider },
): Promise<Poll> {
  const record = await ports.batches.get(batchId);
  if (!record?.providerBatchId) throw new MissingRecordError(`batch ${batchId} was not submitted`);
  const { phase } = await ports.provider.get(record.providerBatchId);
  return { phase, waitSeconds: pollWaitSeconds(polls) };
}
