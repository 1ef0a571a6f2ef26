import { decideWatch, isLost, isUnseenForTooLong, type Watch } from "../domain/batch-watch.ts";
import type { BatchRecord, ProviderBatch } from "../domain/batch-record.ts";
import { BatchNotFoundError, MissingRecordError } from "../domain/failures.ts";
import type { BatchId } from "../domain/ids.ts";
import { pollWaitSeconds } from "../domain/poll-schedule.ts";
import type { BatchProvider, Batches, Runtime } from "../ports.ts";

/** `ended`: there is nothing more to wait for. `stuck`: whether this look found that the batch hangs. */
export type Poll = {
  readonly phase: "running" | "ended";
  readonly waitSeconds: number;
  readonly stuck: boolean;
};

export type PollPorts = {
  readonly batches: Batches;
  readonly provider: BatchProvider;
  readonly runtime: Runtime;
};

/**
 * Looks once whether the provider is done with a batch, and says how long to wait before looking again. A batch that has
 * been in one stage for too long is cancelled, and given up when that does not help either.
 */
export async function pollBatch(batchId: BatchId, polls: number, ports: PollPorts): Promise<Poll> {
  const record = await ports.batches.get(batchId);
  if (!record?.providerBatchId) throw new MissingRecordError(`batch ${batchId} was not submitted`);
  const waitSeconds = pollWaitSeconds(polls);
  // An orphan is cancelled because nobody needs it.
  const mayHang = record.plan.orphanOf === null;
  // Collected by an earlier execution, or given up: the provider has nothing to add.
  if (record.settlementKey !== null || record.abandonedAt !== null)
    return { phase: "ended", waitSeconds, stuck: false };
  const now = ports.runtime.now();
  const seen = await lookAt(record, record.providerBatchId, ports);
  const watch = watchOf(seen, record, now);
  switch (watch) {
    case "collect":
      return { phase: "ended", waitSeconds, stuck: false };
    case "wait":
      return { phase: "running", waitSeconds, stuck: false };
    case "cancel":
      // Noted first: from then on the clock runs, whatever becomes of the call.
      await ports.batches.recordCancel(batchId, now);
      await ports.provider.cancel(record.providerBatchId);
      return { phase: "running", waitSeconds, stuck: mayHang && record.cancelAt === null };
    // Collecting gives it up: only one who holds the batch may decide that.
    case "abandon":
      return { phase: "ended", waitSeconds, stuck: mayHang };
  }
}

type Seen = ProviderBatch | "lost" | "unseen";

function watchOf(seen: Seen, record: BatchRecord, now: number): Watch {
  if (seen === "lost") return "collect";
  return seen === "unseen" ? "abandon" : decideWatch(seen, record, now);
}

/**
 * The provider's batch; "lost" for one that has been gone for so long that it will not appear any more, "unseen" for one
 * that the provider has failed to tell of for days. Throws while it may only be slow to.
 */
export async function lookAt(
  record: BatchRecord,
  providerBatchId: string,
  ports: Pick<PollPorts, "provider" | "runtime">,
): Promise<Seen> {
  try {
    return await ports.provider.get(providerBatchId);
  } catch (error) {
    const now = ports.runtime.now();
    if (error instanceof BatchNotFoundError && isLost(record, now)) return "lost";
    if (isUnseenForTooLong(record, now)) return "unseen";
    throw error;
  }
}
