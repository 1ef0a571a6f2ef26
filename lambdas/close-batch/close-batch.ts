import { readSettlement } from "../collect-results/read-settlement.ts";
import type { BatchOutcome, PlannedBatch, ProviderFiles } from "../domain/batch-record.ts";
import { batchTimeOf } from "../domain/batch-time.ts";
import { isWaitedFor } from "../domain/cut-offs.ts";
import { MissingRecordError, RetryableError, TerminalError } from "../domain/failures.ts";
import type { BatchId } from "../domain/ids.ts";
import type { SettlementPlan } from "../domain/settlement-plan.ts";
import type { BatchProvider, Batches, ObjectStore, Runtime } from "../ports.ts";

export type ClosePorts = {
  readonly batches: Batches;
  readonly objects: ObjectStore;
  readonly provider: BatchProvider;
  readonly runtime: Runtime;
};

/** What could not be deleted for so long is left for the provider to expire, as it does by itself. */
const DELETION_TRIED_MS = 3 * 86_400_000;

/** Whether the provider's copies of a settled batch are deleted; otherwise they stay until the provider expires them. */
type FilePolicy = "delete" | "keep";

/**
 * Ends a batch whose every part is settled: what the provider keeps of it goes, and it leaves its account's open batches.
 * Returns what came of its requests.
 */
export async function closeBatch(
  batchId: BatchId,
  policy: FilePolicy,
  ports: ClosePorts,
): Promise<BatchOutcome> {
  const record = await ports.batches.get(batchId);
  if (!record?.settlementKey) throw new MissingRecordError(`batch ${batchId} was not collected`);
  const { files, counts, completedAt, providerStatus } = await readSettlement(
    record.settlementKey,
    ports.objects,
  );
  try {
    // While it is open: once it is closed, nobody comes back to it.
    if (policy === "delete" && files !== null)
      await deleteFiles(await withoutTwinsInput(record.plan, files, ports.batches), ports.provider);
  } catch (error) {
    // Not for ever: everything else of the batch is done.
    if (!(error instanceof RetryableError) || ports.runtime.now() < completedAt + DELETION_TRIED_MS)
      throw error;
  }
  const { plan, cancelAt } = record;
  const outcome = outcomeOf(counts, plan.orphanOf === null && cancelAt === null && isWaitedFor(record));
  const time = batchTimeOf(record, { completedAt, providerStatus });
  if (time !== null) await ports.batches.recordTime(plan.group.account, time);
  await ports.batches.close(batchId, ports.runtime.now(), outcome);
  return outcome;
}

/** An orphan's input is that of the batch it doubles, whose provider may still have to read it: the later to close deletes it. */
async function withoutTwinsInput(
  { orphanOf }: PlannedBatch,
  files: ProviderFiles,
  batches: Batches,
): Promise<ProviderFiles> {
  const twin = orphanOf === null ? undefined : await batches.get(orphanOf);
  return twin === undefined || twin.state === "closed" ? files : { ...files, inputFileId: null };
}

async function deleteFiles(files: ProviderFiles, provider: BatchProvider): Promise<void> {
  try {
    await provider.deleteFiles(files);
  } catch (error) {
    // What the provider will not delete it expires by itself, a month after it was made.
    if (!(error instanceof TerminalError)) throw error;
  }
}

/** What a batch that was stopped, or that nobody waits for, does not answer is no failure: its requests are run elsewhere. */
function outcomeOf(counts: SettlementPlan["counts"], isNeeded: boolean): BatchOutcome {
  const { answered, failed, missing, repeated, unknown, unparseable } = counts;
  return {
    answered,
    failed: isNeeded ? failed + missing : 0,
    surplus: repeated + unknown + unparseable,
  };
}

/** A larger share of failed requests than this in one batch is something to look at. */
const FAILURES_TO_TELL = 0.05;

/** The share of a batch's requests that failed, from 0 to 1, and whether it is one to tell the operator of. */
export function failureRateOf({ answered, failed }: BatchOutcome): {
  readonly rate: number;
  readonly high: boolean;
} {
  const rate = failed / Math.max(1, answered + failed);
  return { rate, high: rate > FAILURES_TO_TELL };
}
