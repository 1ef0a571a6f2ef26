import { admitJobs } from "../../../lambdas/admit-jobs/admit-jobs.ts";
import type { IncomingMessage } from "../../../lambdas/admit-jobs/open-message.ts";
import { closeBatch } from "../../../lambdas/close-batch/close-batch.ts";
import { closeWindow } from "../../../lambdas/close-window/close-window.ts";
import { collectResults } from "../../../lambdas/collect-results/collect-results.ts";
import { deliverResults } from "../../../lambdas/deliver-results/deliver-results.ts";
import type { BatchId } from "../../../lambdas/domain/ids.ts";
import { toIso } from "../../../lambdas/domain/instant.ts";
import type { DeadLetter, Delivery, RunRequest } from "../../../lambdas/domain/internal-messages.ts";
import { type BatchLimits, DEFAULT_TIER_DUE_SECONDS } from "../../../lambdas/domain/limits.ts";
import { TIERS } from "../../../lambdas/domain/vocabulary.ts";
import { freezeWindow } from "../../../lambdas/freeze-window/freeze-window.ts";
import { planWindow } from "../../../lambdas/plan-window/plan-window.ts";
import { retryDeadLetters } from "../../../lambdas/retry-dead-letters/retry-dead-letters.ts";
import { runMessage, runRequested } from "../../../lambdas/run-job/run-messages.ts";
import { settlePart } from "../../../lambdas/settle-part/settle-part.ts";
import { submitBatch } from "../../../lambdas/submit-batch/submit-batch.ts";
import { writeBatch } from "../../../lambdas/write-batch/write-batch.ts";
import { CrashingProvider } from "./crashing-provider.ts";
import { CrashingWorker, type Random } from "./crashing-ports.ts";
import { MemoryGateway } from "./memory-gateway.ts";

const SETTINGS = { tierDueSeconds: DEFAULT_TIER_DUE_SECONDS, maxRequestBytes: 1_000_000 };
const PLAN_SETTINGS = { minBatchJobs: 2, leadMs: 3_000_000, maxJobs: 6 };
/** One limit at a time is what cuts. */
const NARROW_LIMITS = [
  { maxRequests: 3, maxBytes: 1_000_000, maxInputs: 1_000 },
  { maxRequests: 1_000, maxBytes: 700, maxInputs: 1_000 },
] as const;

/** A queue that shows a message until its worker says that it is done with it. */
export class Waiting<Message> {
  readonly messages: Message[] = [];
  add(messages: readonly Message[]): void {
    this.messages.push(...messages);
  }
  done(message: Message): void {
    const place = this.messages.indexOf(message);
    if (place >= 0) this.messages.splice(place, 1);
  }
}

type Execution = { readonly batchId: BatchId; run: () => Promise<void> };
type Ports = ReturnType<typeof portsOf>;

function portsOf(gateway: MemoryGateway, provider: CrashingProvider, worker: CrashingWorker) {
  return {
    objects: worker.wrap(gateway.objects),
    jobs: worker.wrap(gateway.jobs),
    ledger: worker.wrap(gateway.ledger),
    tenants: worker.wrap(gateway.tenants),
    windows: worker.wrap(gateway.windows),
    batches: worker.wrap(gateway.batches),
    deliveries: worker.wrap(gateway.deliveries),
    runs: worker.wrap(gateway.runs),
    deadLetters: worker.wrap(gateway.deadLetters),
    queues: worker.wrap(gateway.queues),
    provider: worker.wrap(gateway.provider),
    direct: async () => worker.wrap(provider.direct),
    // No two looks at the clock show the same.
    runtime: { ...gateway.runtime, now: () => (gateway.now += 1) },
  };
}

/**
 * The gateway as queues, schedules and state machines drive it: whatever fails stays and is run again, by a fresh
 * worker, sometimes by two at once.
 */
export class CrashingGateway {
  readonly gateway: MemoryGateway;
  readonly provider: CrashingProvider;
  readonly jobMessages = new Waiting<IncomingMessage>();
  readonly runRequests = new Waiting<RunRequest>();
  readonly deliveries = new Waiting<Delivery>();
  readonly deadLetters = new Waiting<DeadLetter>();
  readonly executions: Execution[] = [];
  readonly #started = new Set<BatchId>();
  readonly #random: Random;
  /** What one provider batch may hold. */
  readonly limits: BatchLimits;
  /** Chance that a call of a port fails. */
  faults: number;
  /** Settling steps that are run once more, long after. */
  readonly #late: ((ports: Ports) => Promise<unknown>)[] = [];

  constructor(random: Random, namesBatches: boolean) {
    this.#random = random;
    this.limits = NARROW_LIMITS[random() < 0.5 ? 0 : 1];
    this.faults = 0.01 + 0.14 * random();
    this.gateway = new MemoryGateway({ namesBatches });
    // A run passes midnight.
    this.gateway.now = Date.UTC(2026, 10, 21, 22, 30);
    this.provider = new CrashingProvider(this.gateway, random);
  }

  /** Whether anything is left to do apart from windows. */
  get isQuiet(): boolean {
    const queues = [this.jobMessages, this.runRequests, this.deliveries];
    const letters = this.deadLetters.messages.some(({ kind }) => kind === "job");
    return queues.every(({ messages }) => messages.length === 0) && !letters && this.executions.length === 0;
  }

  /** One turn: some of what waits is worked on, all at the same time. Time passes only between turns. */
  async turn(): Promise<void> {
    const work: Promise<unknown>[] = [];
    if (this.jobMessages.messages.length > 0) work.push(this.#admit(), this.#runUrgent());
    for (const request of this.#some(this.runRequests.messages))
      work.push(this.#take(this.runRequests, request, (ports) => runRequested(request, ports, SETTINGS)));
    for (const delivery of this.#some(this.deliveries.messages))
      work.push(this.#take(this.deliveries, delivery, (ports) => deliverResults(delivery, ports)));
    for (const execution of this.#some(this.executions)) work.push(execution.run());
    if (this.faults === 0 || this.#random() < 0.3) work.push(this.#window());
    if (this.#random() < 0.2) work.push(this.#retryDeadLetters());
    if (this.faults > 0)
      for (const step of this.#late) if (this.#random() < 0.05) work.push(this.#twice(step));
    await Promise.allSettled(work);
    // What a failed step left under way comes to its end, or never does.
    await new Promise((resolve) => setImmediate(resolve));
    this.runRequests.add(this.gateway.runs.take());
    this.deliveries.add(this.gateway.deliveries.take());
    for (const tier of TIERS) this.deadLetters.add(this.gateway.deadLetters.take(tier));
    if (this.#random() < 0.5) this.provider.endBatches();
    this.gateway.now += Math.floor(this.#random() * 400_000);
  }

  #admit(): Promise<unknown> {
    const taken = this.jobMessages.messages.filter(({ queue }) => isSlow(queue) && this.#random() < 0.6);
    return this.#twice(async (ports) => {
      const { failed } = await admitJobs(taken, ports, SETTINGS);
      const kept = new Set(failed.map(({ messageId }) => messageId));
      for (const message of taken) if (!kept.has(message.messageId)) this.jobMessages.done(message);
    });
  }

  async #runUrgent(): Promise<void> {
    const urgent = this.jobMessages.messages.filter(({ queue }) => !isSlow(queue));
    await Promise.allSettled(
      this.#some(urgent).map((message) =>
        this.#take(this.jobMessages, message, (ports) => runMessage(message, ports, SETTINGS)),
      ),
    );
  }

  async #take<Message>(queue: Waiting<Message>, message: Message, step: (ports: Ports) => Promise<unknown>) {
    await this.#twice(async (ports) => {
      await step(ports);
      queue.done(message);
    });
  }

  async #retryDeadLetters(): Promise<void> {
    const held = [...this.deadLetters.messages];
    const receipts = new Map(held.map((letter, number) => [String(number), letter]));
    let received = false;
    const inbox = {
      receive: async () => {
        if (received) return [];
        received = true;
        return [...receipts].map(([receipt, letter]) => {
          const sent = { messageId: receipt, senderId: null, sentAt: 0, moved: false };
          return { ...sent, receipt, body: JSON.stringify(letter) };
        });
      },
      delete: async (done: readonly string[]) => {
        for (const receipt of done) this.deadLetters.done(receipts.get(receipt)!);
      },
      release: async () => {},
    };
    const worker = new CrashingWorker(this.#random, this.faults);
    const { runs, deliveries, objects, runtime } = this.gateway;
    const ports = { runs: worker.wrap(runs), deliveries: worker.wrap(deliveries), objects, runtime };
    await retryDeadLetters(worker.wrap(inbox), "normal", ports);
  }

  /** One execution of AssembleWindow; the next one goes on where it failed. */
  #window(): Promise<void> {
    return this.#twice(async (ports) => {
      const windowId = await freezeWindow(toIso(this.gateway.now), ports);
      if (windowId === null) return;
      const limits = { openai: this.limits, anthropic: this.limits };
      const { batches } = await planWindow(windowId, ports, { ...PLAN_SETTINGS, limits });
      for (const batchId of batches) {
        await writeBatch(batchId, ports);
        this.#start(batchId);
      }
      await closeWindow(windowId, ports);
    });
  }

  /** RunBatch, whose name is taken once. */
  #start(batchId: BatchId): void {
    if (this.#started.has(batchId)) return;
    this.#started.add(batchId);
    const states = this.#states(batchId);
    let next = states.next();
    const execution: Execution = {
      batchId,
      run: async () => {
        const step = next.value;
        if (step) await this.#twice(step);
        if (next.value !== step) return;
        next = states.next();
        if (next.done === true) this.executions.splice(this.executions.indexOf(execution), 1);
      },
    };
    this.executions.push(execution);
  }

  *#states(batchId: BatchId): Generator<(ports: Ports) => Promise<unknown>, undefined> {
    let parts = 0;
    yield (ports) => submitBatch(batchId, ports);
    yield async (ports) => {
      parts = await collectResults(batchId, ports);
    };
    for (let part = 0; part < parts; part += 1) {
      const settle = (ports: Ports) => settlePart(batchId, part, ports);
      this.#late.push(settle);
      yield settle;
    }
    yield (ports) => closeBatch(batchId, "delete", ports);
    return undefined;
  }

  #some<Item>(items: readonly Item[]): Item[] {
    return items.filter(() => this.#random() < 0.5);
  }

  /** Runs a step by one worker, or by two at once; passes when one of them does. */
  async #twice(step: (ports: Ports) => Promise<unknown>): Promise<void> {
    const workers = this.#random() < 0.2 ? 2 : 1;
    const runs = Array.from({ length: workers }, () =>
      step(portsOf(this.gateway, this.provider, new CrashingWorker(this.#random, this.faults))),
    );
    const outcomes = await Promise.allSettled(runs);
    const failure = outcomes.find((outcome) => outcome.status === "rejected");
    if (failure && outcomes.every((outcome) => outcome.status === "rejected")) throw failure.reason;
  }
}

function isSlow(queue: IncomingMessage["queue"]): boolean {
  return queue === "normal" || queue === "low";
}
