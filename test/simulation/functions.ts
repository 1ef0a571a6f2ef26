import { admitJobs, type AdmissionPorts } from "../../lambdas/admit-jobs/admit-jobs.ts";
import { incomingMessage } from "../../lambdas/admit-jobs/incoming.ts";
import { closeBatch } from "../../lambdas/close-batch/close-batch.ts";
import { closeWindow } from "../../lambdas/close-window/close-window.ts";
import { collectResults } from "../../lambdas/collect-results/collect-results.ts";
import { deliverResults } from "../../lambdas/deliver-results/deliver-results.ts";
import type { AdmissionSettings } from "../../lambdas/domain/admission.ts";
import type { LetterQueue } from "../../lambdas/domain/dead-letter.ts";
import { MissingRecordError } from "../../lambdas/domain/failures.ts";
import { type BatchId, windowIdSchema } from "../../lambdas/domain/ids.ts";
import {
  deliverySchema,
  type RunJobRequest,
  runRequestSchema,
} from "../../lambdas/domain/internal-messages.ts";
import type { PlanSettings } from "../../lambdas/domain/planner.ts";
import type { Provider } from "../../lambdas/domain/vocabulary.ts";
import type { EscalationPace } from "../../lambdas/domain/cut-offs.ts";
import { escalateJobs } from "../../lambdas/escalate-jobs/escalate-jobs.ts";
import { freezeWindow } from "../../lambdas/freeze-window/freeze-window.ts";
import { planWindow } from "../../lambdas/plan-window/plan-window.ts";
import { pollBatch } from "../../lambdas/poll-batch/poll-batch.ts";
import type {
  BatchProvider,
  Batches,
  DeadLetterInbox,
  DirectProvider,
  Executions,
  Ledger,
  RunQueue,
  TenantQueues,
  Windows,
} from "../../lambdas/ports.ts";
import { findBatches, RECONCILED_MS } from "../../lambdas/reconcile-batches/find-batches.ts";
import { reconcileBatches, RECONCILING_MS } from "../../lambdas/reconcile-batches/reconcile-batches.ts";
import { retryDeadLetters } from "../../lambdas/retry-dead-letters/retry-dead-letters.ts";
import { flexSettings } from "../../lambdas/run-flex/flex-settings.ts";
import { DIRECT_SETTINGS } from "../../lambdas/run-job/direct-work.ts";
import { type RateGate, rateGate } from "../../lambdas/run-job/rate-gate.ts";
import { runMessage, runRequested } from "../../lambdas/run-job/run-messages.ts";
import { runStored } from "../../lambdas/run-job/run-stored.ts";
import type { QueueRecord } from "../../lambdas/runtime/queue-consumer.ts";
import { settlePart } from "../../lambdas/settle-part/settle-part.ts";
import { submitBatch } from "../../lambdas/submit-batch/submit-batch.ts";
import { sweepLeftovers } from "../../lambdas/sweep-leftovers/sweep-leftovers.ts";
import { writeBatch } from "../../lambdas/write-batch/write-batch.ts";
import type { GatewayFunctionId } from "../../lib/function-limits.ts";
import type { SqsEvent } from "./queue-consumer.ts";

/** Everything that a worker can reach; each function takes what its handler would give it. */
export type WorkerPorts = AdmissionPorts & {
  readonly ledger: Ledger;
  readonly windows: Windows;
  readonly batches: Batches;
  readonly queues: TenantQueues;
  readonly executions: Executions;
  readonly inboxes: readonly { readonly queue: LetterQueue; readonly inbox: DeadLetterInbox }[];
  readonly provider: (provider: Provider) => Promise<BatchProvider>;
  readonly direct: (provider: Provider) => Promise<DirectProvider>;
  readonly flexRuns?: RunQueue;
  /** Of a process that has worked before; a new one knows nothing of any limit. */
  readonly gate?: RateGate;
};

export type FunctionSettings = {
  readonly admission: AdmissionSettings;
  readonly plan: PlanSettings;
  readonly escalation: EscalationPace;
};

type Run = (event: unknown, ports: WorkerPorts, settings: FunctionSettings) => Promise<unknown>;

type BatchEvent = { readonly batchId: BatchId; readonly polls: number; readonly part: number };

/** A state's function that works on a batch, with its provider. */
function onBatch(
  run: (
    event: BatchEvent,
    ports: Omit<WorkerPorts, "provider"> & { readonly provider: BatchProvider },
  ) => Promise<unknown>,
): Run {
  return async (event, ports) => {
    const input = event as BatchEvent;
    const record = await ports.batches.get(input.batchId);
    if (!record) throw new MissingRecordError(`batch ${input.batchId} is not registered`);
    return run(input, { ...ports, provider: await ports.provider(record.plan.group.provider) });
  };
}

/** What each handler makes of its event, on ports that are not AWS's: parse, one call, answer. */
export const FUNCTIONS: Readonly<Record<GatewayFunctionId, Run>> = {
  AdmitJobs: async (event, ports, { admission }) => {
    const { failed } = await admitJobs(recordsOf(event).map(incomingMessage), ports, admission);
    return refused(failed.map(({ messageId }) => messageId));
  },
  RunJob: (event, ports, { admission }) => {
    const direct = { ...directPorts(ports), straight: { tenants: ports.tenants, queues: ports.queues } };
    const settings = { ...admission, direct: { ...DIRECT_SETTINGS, hedgeShare: 0.65 } };
    return eachRecord(event, (record) =>
      record.eventSourceARN.endsWith("-runs")
        ? runRequested(runRequestSchema.parse(JSON.parse(record.body)), direct, settings)
        : runMessage(incomingMessage(record), direct, settings),
    );
  },
  RunFlex: (event, ports) => {
    const direct = { ...directPorts(ports), syncRuns: ports.runs };
    return eachRecord(event, ({ body }) =>
      runStored(runJobRequestOf(JSON.parse(body)), direct, flexSettings(720_000)),
    );
  },
  RetryDeadLetters: async (_event, ports) => {
    const runs = await Promise.allSettled(
      ports.inboxes.map(({ queue, inbox }) => retryDeadLetters(inbox, queue, ports)),
    );
    for (const run of runs) if (run.status === "rejected") throw run.reason;
    return {};
  },
  DeliverResults: (event, ports) =>
    eachRecord(event, ({ body }) => deliverResults(deliverySchema.parse(JSON.parse(body)), ports)),
  FreezeWindow: async (event, ports) => {
    const { scheduledTime } = event as { readonly scheduledTime: string };
    return { windowId: await freezeWindow(scheduledTime, ports) };
  },
  PlanWindow: async (event, ports, { plan }) => {
    const windowId = windowIdSchema.parse((event as { readonly windowId: unknown }).windowId);
    const { batches, setAside } = await planWindow(windowId, ports, plan);
    return { windowId, batches, setAside };
  },
  CloseWindow: async (event, ports) => {
    await closeWindow(windowIdSchema.parse((event as { readonly windowId: unknown }).windowId), ports);
    return {};
  },
  WriteBatch: async (event, ports) => {
    const { batchId } = event as BatchEvent;
    await writeBatch(batchId, ports);
    return { batchId };
  },
  SubmitBatch: onBatch(({ batchId }, ports) => submitBatch(batchId, ports)),
  PollBatch: (event, ports) => {
    const { batchId, polls } = event as BatchEvent;
    return pollBatch(batchId, polls, ports);
  },
  CollectResults: onBatch(async ({ batchId }, ports) => ({ parts: await collectResults(batchId, ports) })),
  SettlePart: async (event, ports) => {
    const { batchId, part } = event as BatchEvent;
    await settlePart(batchId, part, ports);
    return { part };
  },
  CloseBatch: onBatch(async ({ batchId }, ports) => ({
    batchId,
    ...(await closeBatch(batchId, "delete", ports)),
  })),
  SweepLeftovers: async (_event, ports) => {
    const { failures: _failures, ...found } = await sweepLeftovers(ports);
    return found;
  },
  EscalateJobs: async (_event, ports, { escalation }) => {
    const { failures: _failures, ...found } = await escalateJobs(ports, escalation);
    return found;
  },
  ReconcileBatches: async (_event, ports) => {
    const began = ports.runtime.now();
    const { closed } = await findBatches(began - RECONCILED_MS, began, ports.batches);
    const done = await reconcileBatches(closed, ports, { until: began + RECONCILING_MS, strangers: true });
    return { differences: done.differences };
  },
};

/** The limits that one process keeps, and time-outs by its own clock. */
function directPorts(ports: WorkerPorts) {
  const { runtime } = ports;
  const timeout = (duration: number): AbortSignal => {
    const controller = new AbortController();
    void runtime.sleep(duration).then(() => controller.abort());
    return controller.signal;
  };
  return { ...ports, gate: ports.gate ?? rateGate(runtime), timeout };
}

function runJobRequestOf(body: unknown): RunJobRequest {
  const request = runRequestSchema.parse(body);
  if (request.kind !== "run") throw new Error(`a ${request.kind} request is not for the flex lane`);
  return request;
}

function recordsOf(event: unknown): QueueRecord[] {
  return (event as SqsEvent).Records.map((record) => ({
    ...record,
    attributes: { ...record.attributes, SentTimestamp: Number(record.attributes.SentTimestamp) },
  }));
}

async function eachRecord(event: unknown, consume: (record: QueueRecord) => Promise<unknown>) {
  const records = recordsOf(event);
  const outcomes = await Promise.allSettled(records.map(consume));
  return refused(
    records.flatMap(({ messageId }, number) => (outcomes[number]?.status === "rejected" ? [messageId] : [])),
  );
}

function refused(messageIds: readonly string[]) {
  return { batchItemFailures: messageIds.map((itemIdentifier) => ({ itemIdentifier })) };
}
