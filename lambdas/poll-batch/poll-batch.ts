import { decideWatch, isLost, isUnseenForTooLong, type Watch } from "../domain/batch-watch.ts";
import type { BatchRecord, ProviderBatch } from "../domain/batch-record.ts";
import { cutOffsOf, type EscalationPace, isWaitedFor, stopOf } from "../domain/cut-offs.ts";
import { DEFAULT_ESCALATION_SECONDS, escalationPaceSchema } from "../domain/escalation-pace.ts";
import { BatchNotFoundError, MissingRecordError } from "../domain/failures.ts";
import type { BatchId } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import { pollWaitSeconds } from "../domain/poll-schedule.ts";
import { findPrice } from "../domain/prices.ts";
import type { Provider } from "../domain/vocabulary.ts";
import type { BatchProvider, Batches, Runtime } from "../ports.ts";

const DEFAULT_PACE = escalationPaceSchema.parse(DEFAULT_ESCALATION_SECONDS);

/** `ended`: there is nothing more to wait for. `stuck`: whether this look found that the batch hangs. */
export type Poll = {
  readonly phase: "running" | "ended";
  readonly waitSeconds: number;
  readonly stuck: boolean;
};

export type PollPorts = {
  readonly batches: Batches;
  readonly provider: (provider: Provider) => Promise<BatchProvider>;
  readonly runtime: Runtime;
};

/**
 * Looks once whether the provider is done with a batch, and says how long to wait before looking again. A batch that has
 * been in one stage for too long is cancelled, and given up when that does not help either; one whose jobs have all moved to
 * a faster lane is cancelled, too. `pace`: when they do, so that a look comes shortly before and after.
 */
export async function pollBatch(
  batchId: BatchId,
  polls: number,
  ports: PollPorts,
  pace: EscalationPace = DEFAULT_PACE,
): Promise<Poll> {
  const record = await ports.batches.get(batchId);
  if (!record?.providerBatchId) throw new MissingRecordError(`batch ${batchId} was not submitted`);
  const now = ports.runtime.now();
  // An orphan is cancelled because nobody needs it.
  const mayHang = record.plan.orphanOf === null;
  const { stopAt, cutOffs } = timesOf(record, pace, now);
  const isStopping = mayHang && record.cancelAt !== null && now < record.cancelAt + pace.stopMs;
  const looks = { cutOffs, stopAt, isStopping };
  const waitSeconds = pollWaitSeconds(polls, looks, now);
  // Collected by an earlier execution, or given up: the provider has nothing to add.
  if (record.settlementKey !== null || record.abandonedAt !== null)
    return { phase: "ended", waitSeconds, stuck: false };
  const provider = await ports.provider(record.plan.group.provider);
  const seen = await lookAt(record, record.providerBatchId, { provider, runtime: ports.runtime });
  const watch = watchOf(seen, record, now, stopAt);
  switch (watch) {
    case "collect":
      return { phase: "ended", waitSeconds, stuck: false };
    case "wait":
      return { phase: "running", waitSeconds, stuck: false };
    case "cancel":
      // Noted first: from then on the clock runs, whatever becomes of the call.
      await ports.batches.recordCancel(batchId, now);
      await provider.cancel(record.providerBatchId);
      return {
        phase: "running",
        waitSeconds: pollWaitSeconds(polls, { ...looks, isStopping: mayHang }, now),
        // Neither what was stopped in time nor what nobody waits for has to be stuck.
        stuck:
          mayHang &&
          record.cancelAt === null &&
          isWaitedFor(record) &&
          watchOf(seen, record, now, null) === "cancel",
      };
    // Collecting gives it up: only one who holds the batch may decide that.
    case "abandon":
      return { phase: "ended", waitSeconds, stuck: mayHang };
  }
}

/** As far as one batch tells: other late batches on the account may make the cut-offs earlier. */
function timesOf(
  { plan, escalatedUntil }: BatchRecord,
  pace: EscalationPace,
  now: Instant,
): { readonly stopAt: Instant | null; readonly cutOffs: readonly Instant[] } {
  if (plan.orphanOf !== null) return { stopAt: null, cutOffs: [] };
  const offersFlex = findPrice(plan.group.model, "flex", now) !== undefined;
  return {
    // Once jobs have left it, the others are in it for what it still does; once they are due, nothing is in time elsewhere.
    stopAt:
      escalatedUntil === null && now < plan.earliestDue ? (stopOf(plan, pace, offersFlex)?.at ?? null) : null,
    cutOffs: cutOffsOf(plan, pace, offersFlex).map(({ at }) => at),
  };
}

type Seen = ProviderBatch | "lost" | "unseen";

function watchOf(seen: Seen, record: BatchRecord, now: Instant, stopAt: Instant | null): Watch {
  if (seen === "lost") return "collect";
  return seen === "unseen" ? "abandon" : decideWatch(seen, record, now, stopAt);
}

/**
 * The provider's batch; "lost" for one that has been gone for so long that it will not appear any more, "unseen" for one
 * that the provider has failed to tell of for days. Throws while it may only be slow to.
 */
export async function lookAt(
  record: BatchRecord,
  providerBatchId: string,
  ports: { readonly provider: BatchProvider; readonly runtime: Runtime },
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
