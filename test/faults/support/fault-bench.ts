import { expect, onTestFinished, vi } from "vitest";
import { MemoryBatches } from "../../../lambdas/adapters/memory-batches.ts";
import { MemoryBudgets } from "../../../lambdas/adapters/memory-budgets.ts";
import { MemoryDeadLetterQueues } from "../../../lambdas/adapters/memory-dead-letter-queues.ts";
import { MemoryExecutions } from "../../../lambdas/adapters/memory-executions.ts";
import { MemoryJobMap } from "../../../lambdas/adapters/memory-job-map.ts";
import { MemoryLedger } from "../../../lambdas/adapters/memory-ledger.ts";
import { MemoryObjectStore } from "../../../lambdas/adapters/memory-object-store.ts";
import { MemoryOutbox } from "../../../lambdas/adapters/memory-outbox.ts";
import { MemoryTenantQueues } from "../../../lambdas/adapters/memory-tenant-queues.ts";
import { MemoryTenants } from "../../../lambdas/adapters/memory-tenants.ts";
import { MemoryWindows } from "../../../lambdas/adapters/memory-windows.ts";
import { admitJobs } from "../../../lambdas/admit-jobs/admit-jobs.ts";
import type { IncomingMessage } from "../../../lambdas/admit-jobs/open-message.ts";
import { closeWindow } from "../../../lambdas/close-window/close-window.ts";
import { deliverResults } from "../../../lambdas/deliver-results/deliver-results.ts";
import { RetryableError } from "../../../lambdas/domain/failures.ts";
import type { TenantId } from "../../../lambdas/domain/ids.ts";
import { toIso } from "../../../lambdas/domain/instant.ts";
import type { DeadLetter, Delivery, RunRequest } from "../../../lambdas/domain/internal-messages.ts";
import type { LedgerEntry } from "../../../lambdas/domain/ledger-entry.ts";
import { DEFAULT_TIER_DUE_SECONDS, PROVIDER_BATCH_LIMITS } from "../../../lambdas/domain/limits.ts";
import { type ResultMessage, resultEnvelopeSchema } from "../../../lambdas/domain/result-message.ts";
import { tenantPolicySchema } from "../../../lambdas/domain/tenant-policy.ts";
import { TIERS } from "../../../lambdas/domain/vocabulary.ts";
import { freezeWindow } from "../../../lambdas/freeze-window/freeze-window.ts";
import { planWindow } from "../../../lambdas/plan-window/plan-window.ts";
import type { BatchProvider, DirectProvider } from "../../../lambdas/ports.ts";
import { runMessage, runRequested } from "../../../lambdas/run-job/run-messages.ts";
import { sweepLeftovers } from "../../../lambdas/sweep-leftovers/sweep-leftovers.ts";
import type { Fault } from "../../../local/provider-simulator/faults.ts";
import type { ProviderSimulatorOptions } from "../../../local/provider-simulator/simulator-options.ts";
import {
  type ProviderSimulator,
  startProviderSimulator,
} from "../../../local/provider-simulator/start-provider-simulator.ts";
import { VirtualClock } from "../../local/provider-simulator/virtual-clock.ts";
import { jobMessage, requestOf, runRequestOf } from "./sample-messages.ts";
import { connectProvider } from "./connect-provider.ts";
import { Turns } from "./turns.ts";
import { executionRunner, type Interruptions } from "./run-execution.ts";

const MINUTE = 60_000;
const TENANTS = ["acme", "zenith"];
const SETTINGS = { tierDueSeconds: DEFAULT_TIER_DUE_SECONDS, maxRequestBytes: 1_000_000 };
const PLAN_SETTINGS = { limits: PROVIDER_BATCH_LIMITS, minBatchJobs: 1, leadMs: 0, maxJobs: 100_000 };
const ENDED: ReadonlySet<string> = new Set(["completed", "failed", "expired", "cancelled", "ended"]);
/** Windows, five minutes each, within which everything must have come to its end. */
const MOST_WINDOWS = 200;

export type BenchOptions = Omit<ProviderSimulatorOptions, "clock" | "port">;

/** Starts a simulator and a gateway that has it for its provider; closed with the test. */
export async function startFaultBench(
  provider: "openai" | "anthropic",
  options: BenchOptions = {},
): Promise<FaultBench> {
  const clock = new VirtualClock();
  const simulator = await startProviderSimulator({ batchSeconds: 0, ...options, clock });
  onTestFinished(() => simulator.close());
  const bench = new FaultBench(provider, simulator, clock);
  for (const tenantId of TENANTS) await bench.addTenant(tenantId);
  return bench;
}

/**
 * The gateway on memory adapters, one provider's simulator behind the official SDK, and one clock for both, which moves
 * only when a step waits. What AWS does between the steps (schedules, retries, queues) is played here.
 */
export class FaultBench {
  readonly #clock: VirtualClock;
  #serial = 0;
  readonly name: "openai" | "anthropic";
  readonly simulator: ProviderSimulator;
  readonly runtime = {
    now: () => this.#clock.now(),
    uniqueId: () => `id${(this.#serial += 1).toString().padStart(6, "0")}`,
    sleep: (duration: number) => this.pass(duration),
  };
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
  readonly batchProvider: BatchProvider;
  readonly #direct: DirectProvider;
  /** What the test does between the steps of the batches that follow. */
  interruptions: Interruptions = {};
  readonly turns = new Turns(this.runtime.now, async (milliseconds) => {
    this.#clock.advance(milliseconds);
    await this.settleDown();
  });
  /** The keys of the jobs that were sent, in order. */
  readonly sent: string[] = [];
  /** Everything that reached a tenant. */
  readonly results: ResultMessage[] = [];
  /** Every letter that was sent, in order. */
  readonly letters: DeadLetter[] = [];
  /** What steps threw that another try was to cure, by name. */
  readonly retried: string[] = [];

  constructor(name: "openai" | "anthropic", simulator: ProviderSimulator, clock: VirtualClock) {
    this.name = name;
    this.simulator = simulator;
    this.#clock = clock;
    const { batchProvider, direct } = connectProvider(name, simulator, this.objects);
    this.batchProvider = batchProvider;
    this.#direct = direct;
  }

  get ports() {
    const { objects, jobs, ledger, tenants, budgets, windows, batches, executions, runtime } = this;
    const { deliveries, runs, deadLetters, queues, batchProvider: provider } = this;
    const stores = { objects, jobs, ledger, tenants, budgets, windows, batches };
    const outboxes = { deliveries, runs, deadLetters, queues };
    return { ...stores, ...outboxes, executions, runtime, provider, direct: async () => this.#direct };
  }

  async addTenant(tenantId: string): Promise<void> {
    const delivery = { type: "sqs", queueUrl: queueOf(tenantId) };
    const policy = tenantPolicySchema.parse({ tenantId, delivery });
    const salt = `${tenantId}-`.padEnd(40, "s");
    await this.tenants.put({ version: 1, policy, salt, revision: 1, updatedAt: 0 });
  }

  fault(fault: Fault): void {
    this.simulator.faults.add(fault);
  }

  /** Time goes by, and whatever the provider has to do until then is done. */
  pass(milliseconds: number): Promise<void> {
    return this.turns.wait(milliseconds);
  }

  /** Waits until each running batch of the provider waits for the clock in its turn. */
  async settleDown(): Promise<void> {
    await vi.waitFor(
      () => {
        const running = this.simulator.batches().filter(({ status }) => !ENDED.has(status));
        expect(this.#clock.waiting).toBe(running.length);
      },
      { timeout: 20_000, interval: 1 },
    );
  }

  /** Sends so many jobs that can wait for a day; `body` adds to each request's. */
  async send(count: number, body: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const messages = Array.from({ length: count }, () => this.#message("low", body));
    const report = await admitJobs(messages, this.ports, SETTINGS);
    expect(report).toMatchObject({ admitted: count, refused: 0, failed: [] });
  }

  /** Sends one job that cannot wait; what it needs of time passes. */
  async sendUrgent(): Promise<void> {
    const message = this.#message("critical", {});
    await this.patiently(() => runMessage(message, this.ports, SETTINGS));
  }

  #message(queue: "low" | "critical", body: Readonly<Record<string, unknown>>): IncomingMessage {
    const key = `job-${this.sent.length}`;
    const tenantId = TENANTS[this.sent.length % TENANTS.length] ?? "";
    this.sent.push(key);
    return {
      messageId: this.runtime.uniqueId(),
      body: JSON.stringify(jobMessage(tenantId, key, queue, requestOf(this.name, key, body))),
      senderId: "AROATEST:app",
      sentAt: this.runtime.now(),
      queue,
    };
  }

  /** Repeats a step for as long as it says that another try may go better, twenty seconds apart. */
  async patiently<Result>(step: () => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await step();
      } catch (error) {
        if (!(error instanceof RetryableError) || attempt === 500) throw error;
        this.retried.push(error.name);
        await this.pass(20_000);
      }
    }
  }

  /** Plays the schedules, the state machines and the queues until nothing is left to do. */
  async run(): Promise<void> {
    const runner = executionRunner(this);
    for (let window = 0; window < MOST_WINDOWS; window += 1) {
      await this.#assemble();
      await sweepLeftovers({ ...this.ports, provider: async (name) => this.#accountOf(name) });
      await runner.runStarted();
      await this.#runRequested();
      await this.#deliver();
      if (await this.#isQuiet()) return;
      await this.pass(5 * MINUTE);
    }
    throw new Error("work is left after all the windows that were given it");
  }

  /** The account of the provider that this bench does not have is empty. */
  #accountOf(name: "openai" | "anthropic"): BatchProvider {
    if (name === this.name) return this.batchProvider;
    return { ...this.batchProvider, provider: name, async *listSince() {} };
  }

  async #assemble(): Promise<void> {
    const windowId = await freezeWindow(toIso(this.runtime.now()), this.ports);
    if (windowId === null) return;
    const { batches } = await planWindow(windowId, this.ports, PLAN_SETTINGS);
    for (const batchId of batches) await this.executions.startRunBatch(batchId, 1);
    await closeWindow(windowId, this.ports);
  }

  async #runRequested(): Promise<void> {
    const letters = TIERS.flatMap((tier) => this.deadLetters.take(tier));
    this.letters.push(...letters);
    for (const letter of letters) if (letter.kind === "job") await this.runs.send([runRequestOf(letter)]);
    for (const request of this.runs.take())
      await this.patiently(() => runRequested(request, this.ports, SETTINGS));
  }

  async #deliver(): Promise<void> {
    for (const delivery of this.deliveries.take()) await deliverResults(delivery, this.ports);
    for (const body of TENANTS.flatMap((tenantId) => this.queues.take(queueOf(tenantId)))) {
      const envelope = resultEnvelopeSchema.parse(JSON.parse(body));
      this.results.push(...("results" in envelope ? envelope.results : [envelope]));
    }
  }

  async #isQuiet(): Promise<boolean> {
    const answered = new Set(this.results.map(({ idempotencyKey }) => idempotencyKey));
    if (answered.size < this.sent.length) return false;
    return (await Array.fromAsync(this.batches.listOpen(this.name))).length === 0;
  }

  /** Every ledger entry of every tenant. */
  async entries(): Promise<LedgerEntry[]> {
    const ledgers = TENANTS.map((tenantId) =>
      Array.fromAsync(this.ledger.entries(tenantId as TenantId, "2026-01-01", "2027-12-31")),
    );
    return (await Promise.all(ledgers)).flat();
  }
}

const queueOf = (tenantId: string) => `https://sqs.test/${tenantId}`;
