import { MissingRecordError } from "../domain/failures.ts";
import type { BatchId } from "../domain/ids.ts";
import type { Batches, Runtime } from "../ports.ts";

/** Ends a batch whose every part is settled: it leaves its account's open batches. */
export async function closeBatch(
  batchId: BatchId,
  ports: { readonly batches: Batches; readonly runtime: Runtime },
): Promise<void> {
  const record = await ports.batches.get(batchId);
  if (!record?.settlementKey) throw new MissingRecordError(`batch ${batchId} was not collected`);
  await ports.batches.close(batchId, ports.runtime.now());
}
