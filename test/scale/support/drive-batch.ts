import { chunks } from "../../../lambdas/domain/chunks.ts";
import type { BatchId } from "../../../lambdas/domain/ids.ts";
import type { GatewayStores } from "./gateway-stores.ts";
import type { GatewaySteps } from "./gateway-worker.ts";
import { messageOf, type SampleJob } from "./sample-jobs.ts";
import type { StreamingProvider } from "./streaming-provider.ts";

/** Messages that one call of admission gets, and deliveries that one call of delivering gets, by default. */
const MESSAGES_PER_CALL = 1000;
const DELIVERIES_PER_CALL = 10;
/** Parts settled at the same time, in one worker here; a deployed one settles one at a time. */
const SETTLERS = 2;
const MINUTE = 60_000;

type Way = {
  readonly steps: GatewaySteps;
  readonly stores: GatewayStores;
  readonly provider: StreamingProvider;
  readonly model: string;
};

/** What the calls of admission came to. */
export type Admitted = { readonly admitted: number; readonly duplicates: number; readonly failed: number };

/** Sends the jobs' messages, and the last call's messages twice, as SQS may. */
export async function admitAll(jobs: readonly SampleJob[], now: number, way: Way): Promise<Admitted> {
  const total = { admitted: 0, duplicates: 0, failed: 0 };
  await way.steps.begin(now);
  const calls = [...chunks(jobs, MESSAGES_PER_CALL)];
  for (const call of [...calls, ...calls.slice(-1)]) {
    const report = await way.steps.admit(call.map((job) => messageOf(job, way.model, now)));
    total.admitted += report.admitted;
    total.duplicates += report.duplicates;
    total.failed += report.failed.length + report.refused + report.unanswerable;
  }
  return total;
}

/** One window: returns the batches that it planned and wrote. */
export async function assemble(now: number, { steps }: Way): Promise<readonly BatchId[]> {
  await steps.begin(now);
  const windowId = await steps.freeze();
  if (windowId === null) return [];
  const { batches } = await steps.plan(windowId);
  for (const batchId of batches) await steps.write(batchId);
  await steps.closeWindow(windowId);
  return batches;
}

/** One batch from its submission to its close. */
export async function runBatch(batchId: BatchId, now: number, way: Way): Promise<void> {
  const { steps, stores, provider } = way;
  await steps.begin(now);
  await steps.submit(batchId);
  const record = await stores.batches.get(batchId);
  await provider.run(record?.providerBatchId ?? "", now + 10 * MINUTE);
  await steps.begin(now + 11 * MINUTE);
  await steps.poll(batchId);
  const parts = Array.from({ length: await steps.collect(batchId) }, (_, part) => part);
  for (const some of chunks(parts, SETTLERS))
    await Promise.all(some.map((part) => steps.settle(batchId, part)));
  await steps.closeBatch(batchId);
}

/** Sends all that waits to the tenants' queues. */
export async function deliverAll({ steps, stores }: Way): Promise<void> {
  for (const deliveries of chunks(stores.deliveries.take(), DELIVERIES_PER_CALL))
    await steps.deliver(deliveries);
}
