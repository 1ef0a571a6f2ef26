/* The thread that runs the use cases: its memory is what is measured. Everything they keep lies in another or on disk. */
import { parentPort, workerData } from "node:worker_threads";
import { MemoryBudgets } from "../../../lambdas/adapters/memory-budgets.ts";
import { MemoryTenants } from "../../../lambdas/adapters/memory-tenants.ts";
import { admitJobs } from "../../../lambdas/admit-jobs/admit-jobs.ts";
import type { IncomingMessage } from "../../../lambdas/admit-jobs/open-message.ts";
import { closeBatch } from "../../../lambdas/close-batch/close-batch.ts";
import { closeWindow } from "../../../lambdas/close-window/close-window.ts";
import { collectResults } from "../../../lambdas/collect-results/collect-results.ts";
import { deliverResults } from "../../../lambdas/deliver-results/deliver-results.ts";
import type { BatchId, WindowId } from "../../../lambdas/domain/ids.ts";
import { toIso } from "../../../lambdas/domain/instant.ts";
import type { Delivery } from "../../../lambdas/domain/internal-messages.ts";
import { DEFAULT_TIER_DUE_SECONDS, PROVIDER_BATCH_LIMITS } from "../../../lambdas/domain/limits.ts";
import { freezeWindow } from "../../../lambdas/freeze-window/freeze-window.ts";
import { planWindow } from "../../../lambdas/plan-window/plan-window.ts";
import { pollBatch } from "../../../lambdas/poll-batch/poll-batch.ts";
import type {
  Batches,
  DeadLetterQueues,
  DeliveryQueue,
  JobMap,
  Ledger,
  RunQueue,
  TenantQueues,
  Tenants,
  Windows,
} from "../../../lambdas/ports.ts";
import { settlePart } from "../../../lambdas/settle-part/settle-part.ts";
import { submitBatch } from "../../../lambdas/submit-batch/submit-batch.ts";
import { writeBatch } from "../../../lambdas/write-batch/write-batch.ts";
import { FileObjectStore } from "./file-object-store.ts";
import { gatewayDataSchema } from "./gateway-data.ts";
import { MemoryMeter } from "./memory-meter.ts";
import { providerAt } from "./provider-files.ts";
import { ThreadLink } from "./thread-link.ts";

if (parentPort === null) throw new Error("this file runs in a worker thread only");
const data = gatewayDataSchema.parse(workerData);
const clock = { now: 0 };
const meter = new MemoryMeter();
const objects = new FileObjectStore(data.bucketFolder, () => clock.now);
const tenants = new MemoryTenants();
const budgets = new MemoryBudgets();
let serial = 0;

const runtime = {
  now: () => clock.now,
  uniqueId: () => `id${(serial += 1).toString().padStart(6, "0")}`,
  sleep: async (duration: number) => {
    clock.now += duration;
  },
};

const steps = {
  /** Moves the clock on, and reads the tenants anew: the deployed adapter, too, keeps them for half a minute. */
  begin: async (now: number) => {
    clock.now = now;
    for await (const tenant of link.remote<Tenants>("tenants").list()) await tenants.put(tenant);
  },
  admit: (messages: readonly IncomingMessage[]) =>
    admitJobs(messages, ports, { tierDueSeconds: DEFAULT_TIER_DUE_SECONDS, maxRequestBytes: 1_000_000 }),
  freeze: () => freezeWindow(toIso(clock.now), ports),
  plan: (windowId: WindowId) =>
    planWindow(windowId, ports, {
      limits: PROVIDER_BATCH_LIMITS,
      minBatchJobs: 50,
      leadMs: 0,
      maxJobs: 100_000,
    }),
  write: (batchId: BatchId) => writeBatch(batchId, ports),
  closeWindow: (windowId: WindowId) => closeWindow(windowId, ports),
  submit: (batchId: BatchId) => submitBatch(batchId, ports),
  poll: (batchId: BatchId) => pollBatch(batchId, 1, { ...ports, provider: async () => ports.provider }),
  collect: (batchId: BatchId) => collectResults(batchId, ports),
  settle: (batchId: BatchId, part: number) => settlePart(batchId, part, ports),
  closeBatch: (batchId: BatchId) => closeBatch(batchId, "delete", ports),
  /** As many deliveries as one call of the function gets. */
  deliver: (deliveries: readonly Delivery[]) =>
    Promise.all(deliveries.map((delivery) => deliverResults(delivery, ports))),
};
export type GatewaySteps = typeof steps;

const link = new ThreadLink(parentPort, { steps: meter.measured(steps), meter });
const ports = {
  objects,
  tenants,
  budgets,
  runtime,
  jobs: link.remote<JobMap>("jobs"),
  ledger: link.remote<Ledger>("ledger"),
  windows: link.remote<Windows>("windows"),
  batches: link.remote<Batches>("batches"),
  deliveries: link.remote<DeliveryQueue>("deliveries"),
  runs: link.remote<RunQueue>("runs"),
  deadLetters: link.remote<DeadLetterQueues>("deadLetters"),
  queues: link.remote<TenantQueues>("queues"),
  provider: link.remote("provider", providerAt(data.providerFolder, objects)),
};
