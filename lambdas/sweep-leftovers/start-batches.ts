import type { BatchRecord } from "../domain/batch-record.ts";
import type { BatchId } from "../domain/ids.ts";
import type { Batches } from "../ports.ts";
import type { SweepPorts } from "./sweep-leftovers.ts";

/** Late by less is a slow provider; results that come late are delivered and say so. */
const TOLD_WHEN_LATE_BY_MS = 4 * 3_600_000;

/**
 * Starts RunBatch for every open batch of an account that no execution runs: its window could not start it, its execution
 * failed or ran out of time, or it is an orphan that was just adopted.
 */
export async function startBatches(
  account: string,
  ports: Pick<SweepPorts, "batches" | "executions" | "runtime">,
  failures: unknown[],
): Promise<{ readonly started: number; readonly pastDue: number }> {
  const now = ports.runtime.now();
  let started = 0;
  let pastDue = 0;
  for await (const { batchId, earliestDue, orphanOf } of ports.batches.listOpen(account)) {
    if (orphanOf === null && earliestDue + TOLD_WHEN_LATE_BY_MS < now) pastDue += 1;
    try {
      if (await startUnlessRunning(batchId, ports)) started += 1;
    } catch (error) {
      failures.push(error);
    }
  }
  return { started, pastDue };
}

async function startUnlessRunning(
  batchId: BatchId,
  { batches, executions }: Pick<SweepPorts, "batches" | "executions">,
): Promise<boolean> {
  const record = await batches.get(batchId);
  if (record === undefined) return false;
  if (record.state === "closed") {
    await dropFromOpen(record, batches);
    return false;
  }
  const status = await executions.runBatchStatus(batchId, record.generation);
  if (status === "running") return false;
  // A name is taken once: after an execution that ended, the next has the next generation.
  const generation =
    status === "ended" ? await batches.restart(batchId, record.generation) : record.generation;
  await executions.startRunBatch(batchId, generation);
  return true;
}

/** Closing takes two writes: whoever closed it died between them. */
async function dropFromOpen({ plan, closedAt, outcome }: BatchRecord, batches: Batches): Promise<void> {
  if (closedAt !== null && outcome !== null) await batches.close(plan.batchId, closedAt, outcome);
}
