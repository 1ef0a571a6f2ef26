import type { EscalationPace } from "../../../lambdas/domain/cut-offs.ts";
import { MemoryBatches } from "../../../lambdas/adapters/memory-batches.ts";
import { MemoryBudgets } from "../../../lambdas/adapters/memory-budgets.ts";
import { MemoryExecutions } from "../../../lambdas/adapters/memory-executions.ts";
import { MemoryDeadLetterQueues } from "../../../lambdas/adapters/memory-dead-letter-queues.ts";
import { MemoryJobMap } from "../../../lambdas/adapters/memory-job-map.ts";
import { MemoryLedger } from "../../../lambdas/adapters/memory-ledger.ts";
import { MemoryObjectStore } from "../../../lambdas/adapters/memory-object-store.ts";
import { MemoryOutbox } from "../../../lambdas/adapters/memory-outbox.ts";
import { MemoryTenantQueues } from "../../../lambdas/adapters/memory-tenant-queues.ts";
import { MemoryTenants } from "../../../lambdas/adapters/memory-tenants.ts";
import { MemoryWindows } from "../../../lambdas/adapters/memory-windows.ts";
import {
  type Ending,
  MemoryBatchProvider,
} from "../../../lambdas/adapters/providers/memory-batch-provider.ts";
import { type AdmissionPorts, admitJobs } from "../../../lambdas/admit-jobs/admit-jobs.ts";
import type { IncomingMessage } from "../../../lambdas/admit-jobs/open-message.ts";
import { closeBatch } from "../../../lambdas/close-batch/close-batch.ts";
import { closeWindow } from "../../../lambdas/close-window/close-window.ts";
import { collectResults } from "../../../lambdas/collect-results/collect-results.ts";
import { deliverResults } from "../../../lambdas/deliver-results/deliver-results.ts";
import type { BatchId, TenantId, WindowId } from "../../../lambdas/domain/ids.ts";
import { toIso } from "../../../lambdas/domain/instant.ts";
import type { Delivery, RunRequest } from "../../../lambdas/domain/internal-messages.ts";
import type { LedgerEntry } from "../../../lambdas/domain/ledger-entry.ts";
import { DEFAULT_TIER_DUE_SECONDS, PROVIDER_BATCH_LIMITS } from "../../../lambdas/domain/limits.ts";
import { type ResultMessage, resultEnvelopeSchema } from "../../../lambdas/domain/result-message.ts";
import { type TenantPolicy, tenantPolicySchema } from "../../../lambdas/domain/tenant-policy.ts";
import type { DirectLane, Provider } from "../../../lambdas/domain/vocabulary.ts";
import { freezeWindow } from "../../../lambdas/freeze-window/freeze-window.ts";
import { planWindow } from "../../../lambdas/plan-window/plan-window.ts";
import type { CallAnswer, DirectProvider } from "../../../lambdas/ports.ts";
import { DIRECT_SETTINGS, type DirectSettings } from "../../../lambdas/run-job/direct-work.ts";
import { runMessage, runRequested } from "../../../lambdas/run-job/run-messages.ts";
import { type Poll, pollBatch } from "../../../lambdas/poll-batch/poll-batch.ts";
import { type Sweep, sweepLeftovers } from "../../../lambdas/sweep-leftovers/sweep-leftovers.ts";
import { settlePart } from "../../../lambdas/settle-part/settle-part.ts";
import { submitBatch } from "../../../lambdas/submit-batch/submit-batch.ts";
import { writeBatch } from "../../../lambdas/write-batch/write-batch.ts";

const SETTINGS = { tierDueSeconds: DEFAULT_TIER_DUE_SECONDS, maxRequestBytes: 1_000_000 };
const PLAN_SETTINGS = { limits: PROVIDER_BATCH_LIMITS, minBatchJobs: 1, leadMs: 0, maxJobs: 100_000 };

type Answered = CallAnswer | Error;
/** `lane` as the call names it, and a signal that is given when nobody waits for the answer any more. */
type Answerer = (
  body: Readonly<Record<string, unknown>>,
  call: { readonly lane: DirectLane; readonly signal: AbortSignal },
) => Answered | Promise<Answered>;

/** The whole gateway on memory adapters and a clock of its own: each step of a job's way is a call. */
export class MemoryGateway {
  now = Date.UTC(2026, 10, 21, 12);
  #serial = 0;
  readonly runtime = {
    now: () => this.now,
    uniqueId: () => `id${(this.#serial += 1).toString().padStart(6, "0")}`,
    sleep: async (duration: number) => this.elapse(duration),
  };
  #timeouts: { readonly at: number; readonly controller: AbortController }[] = [];
  /** A signal that is given when the clock has moved on by so many milliseconds. */
  readonly timeout = (duration: number): AbortSignal => {
    const controller = new AbortController();
    this.#timeouts.push({ at: this.now + duration, controller });
    return controller.signal;
  };
  /** How direct calls are made: hedging is off unless a test sets it. */
  directSettings: DirectSettings = DIRECT_SETTINGS;
  readonly objects = new MemoryObjectStore({ now: this.runtime.now, chunkBytes: 977 });
  readonly jobs = new MemoryJobMap();
  readonly ledger = new MemoryLedger();
  readonly tenants = new MemoryTenants();
  readonly budgets = new MemoryBudgets();
  readonly windows = new MemoryWindows();
  readonly batches = new MemoryBatches();
  readonly executions = new MemoryExecutions();
  readonly deliveries = new MemoryOutbox<Delivery>();
  readonly runs = new MemoryOutbox<RunRequest>();
  readonly deadLetters = new MemoryDeadLetterQueues();
  readonly queues = new MemoryTenantQueues();
  readonly straight = { tenants: this.tenants, queues: this.queues };
  readonly provider: MemoryBatchProvider;
  calls = 0;
  warn: NonNullable<AdmissionPorts["warn"]> = () => undefined;
  answer: Answerer = () => new Error("no direct call was expected");

  constructor(options: { readonly namesBatches?: boolean } = {}) {
    this.provider = new MemoryBatchProvider({ objects: this.objects, now: this.runtime.now, ...options });
  }

  direct = async (): Promise<DirectProvider> => ({
    provider: "openai",
    call: async (_endpoint, body, signal, lane = "sync") => {
      this.calls += 1;
      const answer = await this.answer(body, { lane, signal });
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });

  /** Moves the clock on; signals that fall due meanwhile are given, each at its own moment. */
  elapse(duration: number): void {
    const until = this.now + duration;
    const due = this.#timeouts.filter(({ at }) => at <= until);
    this.#timeouts = this.#timeouts.filter(({ at }) => at > until);
    for (const { at, controller } of due.toSorted((a, b) => a.at - b.at)) {
      this.now = Math.max(this.now, at);
      controller.abort();
    }
    this.now = until;
  }

  async addTenant(
    fields: Omit<Partial<TenantPolicy>, "tenantId"> & { readonly tenantId: string },
  ): Promise<void> {
    const policy = tenantPolicySchema.parse({
      ...fields,
      delivery: { type: "sqs", queueUrl: `https://sqs.test/${fields.tenantId}` },
    });
    await this.tenants.put({
      version: 1,
      policy,
      salt: `${fields.tenantId}-`.padEnd(40, "s"),
      revision: 1,
      updatedAt: 0,
    });
  }

  /** A message as it would come off a job queue. */
  message(
    fields: Record<string, unknown> | string,
    queue: IncomingMessage["queue"] = "normal",
  ): IncomingMessage {
    const body = typeof fields === "string" ? fields : JSON.stringify(fields);
    return { messageId: this.runtime.uniqueId(), body, senderId: "AROATEST:app", sentAt: this.now, queue };
  }

  admit(messages: readonly IncomingMessage[]) {
    return admitJobs(messages, this, SETTINGS);
  }

  runMessage(message: IncomingMessage) {
    return runMessage(message, this, { ...SETTINGS, direct: this.directSettings });
  }

  runRequested(request: RunRequest) {
    return runRequested(request, this, { ...SETTINGS, direct: this.directSettings });
  }

  freeze(): Promise<WindowId | null> {
    return freezeWindow(toIso(this.now), this);
  }

  async plan(windowId: WindowId): Promise<BatchId[]> {
    return [...(await planWindow(windowId, this, PLAN_SETTINGS)).batches];
  }

  write(batchId: BatchId): Promise<void> {
    return writeBatch(batchId, this);
  }

  close(windowId: WindowId): Promise<void> {
    return closeWindow(windowId, this);
  }

  submit(batchId: BatchId) {
    return submitBatch(batchId, this);
  }

  collect(batchId: BatchId): Promise<number> {
    return collectResults(batchId, this);
  }

  settle(batchId: BatchId, part: number) {
    return settlePart(batchId, part, this);
  }

  /** One window from the freezing to the written batches, five minutes after the last. */
  async window(): Promise<BatchId[]> {
    this.now += 300_000;
    const windowId = await this.freeze();
    if (windowId === null) return [];
    const planned = await this.plan(windowId);
    for (const batchId of planned) await this.write(batchId);
    await this.close(windowId);
    return planned;
  }

  /** One batch from its submission to its close; the provider ends it as `decide` says. */
  async runBatch(batchId: BatchId, decide: (lines: readonly string[]) => Ending): Promise<void> {
    const submission = await this.submit(batchId);
    this.now += 600_000;
    const record = await this.batches.get(batchId);
    if (submission.kind === "submitted" && record?.providerBatchId)
      this.provider.end(record.providerBatchId, decide);
    await this.finish(batchId);
  }

  /** One batch that the provider is done with, to its close. */
  async finish(batchId: BatchId): Promise<void> {
    const parts = await this.collect(batchId);
    for (let part = 0; part < parts; part += 1) await this.settle(batchId, part);
    await closeBatch(batchId, "delete", this);
  }

  poll(batchId: BatchId, pace?: EscalationPace): Promise<Poll> {
    const { batches, runtime } = this;
    return pollBatch(batchId, 0, { batches, runtime, provider: async () => this.provider }, pace);
  }

  sweep(): Promise<Sweep> {
    // The one provider here has the account of its name; the other account is empty.
    const empty = new MemoryBatchProvider({ objects: this.objects, now: this.runtime.now });
    const provider = async (name: Provider) => (name === this.provider.provider ? this.provider : empty);
    const { objects, jobs, runs, batches, budgets, executions, runtime } = this;
    return sweepLeftovers({ objects, jobs, runs, batches, budgets, executions, runtime, provider });
  }

  /** Delivers everything that waits and takes a tenant's results off its queue. */
  async results(tenantId: string): Promise<ResultMessage[]> {
    for (const delivery of this.deliveries.take()) await deliverResults(delivery, this);
    return this.queues.take(`https://sqs.test/${tenantId}`).flatMap((body) => {
      const envelope = resultEnvelopeSchema.parse(JSON.parse(body));
      return "results" in envelope ? envelope.results : [envelope];
    });
  }

  async entries(tenantId: string): Promise<LedgerEntry[]> {
    return Array.fromAsync(this.ledger.entries(tenantId as TenantId, "2026-01-01", "2027-01-01"));
  }
}

/** A job message with sensible fields; `model` and `key` name what differs. */
export function jobMessage(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    version: 1,
    tenantId: "acme",
    idempotencyKey: "call-1/summary",
    taskType: "post_call_summary",
    vertical: "salon",
    agentId: "front-desk",
    request: {
      provider: "openai",
      endpoint: "/v1/chat/completions",
      body: { model: "gpt-5-nano", messages: [{ role: "user", content: "Summarise: hello\u2028there" }] },
    },
    ...fields,
  };
}

/** A chat completion that used 1,000 tokens in and 100 out. */
export function completion(text = "done"): Record<string, unknown> {
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 0,
    model: "gpt-5-nano-2025-08-07",
    choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: text } }],
    usage: { prompt_tokens: 1_000, completion_tokens: 100, total_tokens: 1_100 },
  };
}

/** The custom id of a request line. */
export function customIdOfLine(line: string): string {
  const parsed: unknown = JSON.parse(line);
  if (typeof parsed !== "object" || parsed === null || !("custom_id" in parsed))
    throw new Error("no custom_id");
  return String(parsed.custom_id);
}

/** An output line that answers a request line. */
export function answerLine(line: string, body: unknown = completion()): string {
  return JSON.stringify({
    id: "batch_req_1",
    custom_id: customIdOfLine(line),
    response: { status_code: 200, request_id: "r", body },
    error: null,
  });
}

/** An error line for a request line. */
export function errorLine(line: string, statusCode: number, code = "oops"): string {
  return JSON.stringify({
    id: "batch_req_1",
    custom_id: customIdOfLine(line),
    response: {
      status_code: statusCode,
      request_id: "r",
      body: { error: { code, message: `went wrong: ${code}` } },
    },
    error: null,
  });
}

export const answerAll = (lines: readonly string[]): Ending => ({
  status: "completed",
  output: lines.map((line) => answerLine(line)).toReversed(),
});
