import type { PlannedBatch } from "./batch-record.ts";
import { type BatchId, orphanIdOf } from "./ids.ts";
import { batchManifestKey } from "./object-keys.ts";

/** The batch under which a provider batch is watched that runs requests of `plan` besides the one registered for it. */
export function orphanPlan(plan: PlannedBatch, providerBatchId: string): PlannedBatch {
  const orphanOf = plan.orphanOf ?? plan.batchId;
  return { ...plan, batchId: orphanIdOf(orphanOf, providerBatchId), orphanOf };
}

/** Where the requests of a batch are listed: an orphan's are those of the batch it doubles. */
export function manifestKeyOf({ batchId, orphanOf }: PlannedBatch): string {
  return batchManifestKey(orphanOf ?? batchId);
}

/** The batch whose requests a batch's provider runs. */
export function requestsOf({ batchId, orphanOf }: PlannedBatch): BatchId {
  return orphanOf ?? batchId;
}
