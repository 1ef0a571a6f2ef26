import { MemoryBudgets } from "../../lambdas/adapters/memory-budgets.ts";
import { MemoryLedger } from "../../lambdas/adapters/memory-ledger.ts";
import { MemoryTenants } from "../../lambdas/adapters/memory-tenants.ts";
import { drawSettings } from "./draw-settings.ts";
import { type Provider, PROVIDERS } from "../../lambdas/domain/vocabulary.ts";
import { BatchChecks } from "./batch-checks.ts";
import { CancelChecks } from "./cancel-checks.ts";
import { Invocations } from "./invocations.ts";
import { Invoice } from "./invoice.ts";
import { JobTries } from "./job-tries.ts";
import { Machines } from "./machines.ts";
import { isForgotten, type ModelBatch } from "./model-batch.ts";
import { ModelBatchService } from "./model-batch-service.ts";
import { ModelDirectService } from "./model-direct-service.ts";
import { PlanChecks } from "./plan-checks.ts";
import { PortFaults } from "./port-faults.ts";
import { ProviderFaults } from "./provider-faults.ts";
import { QueueConsumer } from "./queue-consumer.ts";
import { ToldResults } from "./queue-ports.ts";
import { Random } from "./random.ts";
import type { StoredKeys } from "./result-checks.ts";
import { makeQueues, type QueuedMessage, type SimulatedQueue } from "./simulated-queue.ts";
import { HOUR, SimulationClock } from "./simulation-clock.ts";
import type { Stage } from "./stage.ts";
import { Tally } from "./tally.ts";
import { Trace } from "./trace.ts";
import { Violations } from "./violations.ts";
import { WatchedJobMap } from "./watched-job-map.ts";
import { WatchedBatches } from "./watched-batches.ts";
import { WatchedObjectStore } from "./watched-object-store.ts";
import { WatchedWindows } from "./watched-windows.ts";
import { workerPorts } from "./worker-ports.ts";
import type { Sending, Workload } from "./workload-types.ts";
import { drawWorkload } from "./workload.ts";

/** What one run is made of; the same again gives the same run. */
export type RunOptions = {
  readonly seed: number;
  readonly jobs: number;
  /** Faults that do not happen, by name. */
  readonly without: readonly string[];
  /** Only these jobs are sent, where a failure is being narrowed down. */
  readonly only: readonly string[] | null;
  readonly traced: boolean;
};

/** How often a message comes again though it was deleted. */
const REPEATED = 0.015;
/** A cancel may meet its job in a later round then: few messages, and much that they could undo. */
const CANCEL_REPEATED = 0.3;

/** Runs begin in the afternoon and go on past midnight. */
const START = Date.UTC(2026, 10, 21, 15);

/** Everything of one run: the gateway on memory adapters, the providers, and what connects them. */
export class World {
  readonly random: Random;
  readonly clock: SimulationClock;
  readonly tally = new Tally();
  readonly violations = new Violations();
  readonly trace: Trace;
  readonly portFaults: PortFaults;
  readonly providerFaults: ProviderFaults;
  readonly invoice = new Invoice();
  readonly tries = new JobTries();
  readonly workload: Workload;

  readonly objects: WatchedObjectStore;
  readonly jobs: WatchedJobMap;
  readonly stored: StoredKeys;
  readonly ledger = new MemoryLedger();
  readonly tenants = new MemoryTenants();
  readonly budgets = new MemoryBudgets();
  readonly windows: WatchedWindows;
  readonly batches: WatchedBatches;
  readonly cancels: CancelChecks;
  readonly told = new ToldResults();
  readonly queues: ReadonlyMap<string, SimulatedQueue>;
  readonly consumers: readonly QueueConsumer[];
  readonly services: Readonly<Record<Provider, ModelBatchService>>;
  readonly direct: Readonly<Record<Provider, ModelDirectService>>;
  readonly invocations: Invocations;
  readonly machines: Machines;
  readonly stage: Stage;
  /** Messages that cannot become a job of their own: what must come of each. */
  readonly mistakes: { readonly messageId: string; readonly expect: Sending["expect"] }[] = [];
  #ids = 0;

  constructor(stage: Stage, { seed, jobs, without, only, traced }: RunOptions) {
    this.stage = stage;
    this.random = new Random(seed);
    const start = START + this.random.stream("start").below(9 * HOUR);
    this.clock = new SimulationClock(start);
    this.trace = new Trace(traced);
    this.portFaults = new PortFaults(seed, new Set(without), this.tally);
    this.providerFaults = new ProviderFaults(seed, new Set(without), this.tally);
    const drawn = drawWorkload(this.random.stream("workload"), start, jobs);
    const wanted = only && new Set(only);
    this.workload = wanted
      ? {
          ...drawn,
          jobs: drawn.jobs.filter(({ jobId }) => wanted.has(jobId)),
          sendings: drawn.sendings.filter(({ jobId }) => jobId === null || wanted.has(jobId)),
        }
      : drawn;
    const now = () => this.clock.now();
    const reopenable = this.workload.jobs.filter(({ retries }) => retries > 0).map(({ jobId }) => jobId);
    const readObject = (key: string) => this.objects.get(key);
    const plans = new PlanChecks(new Set<string>(reopenable), this.violations, {
      readObject,
      overSince: (tenantId, jobId, attempt) => this.jobs.overSince(tenantId, jobId, attempt),
    });
    this.objects = new WatchedObjectStore({ now, chunkBytes: 9973 }, plans);
    this.batches = new WatchedBatches(now, plans);
    const isStored = async (key: string) => (await this.objects.size(key)) !== undefined;
    this.stored = { violations: this.violations, isStored };
    this.windows = new WatchedWindows({ violations: this.violations, readObject });
    this.cancels = new CancelChecks(
      this.workload,
      ({ tenantId, jobId }) => this.jobs.get(tenantId, jobId),
      now,
    );
    this.jobs = new WatchedJobMap({
      ...this.stored,
      now,
      batchOf: (batchId) => this.batches.get(batchId),
      cancelsOf: (jobId) => this.cancels.sentFor(jobId),
      onSentOn: (step) => this.invocations.settleAgain(step),
    });
    this.queues = this.#makeQueues();
    const settings = drawSettings(this.random.stream("settings"));
    const { clock, invoice, tries, violations } = this;
    const faults = this.providerFaults;
    const dedicated = this.workload.tenants.filter(({ tenant }) => tenant.policy.isolation === "dedicated");
    const checks = new BatchChecks(
      settings.plan.limits,
      new Set(dedicated.map(({ tenant }) => tenant.policy.tenantId)),
      violations,
      plans,
      this.batches,
    );
    const broke = new Map(
      PROVIDERS.map((provider) => [
        provider,
        faults.befalls("account without credit for hours", provider) ? start + 5 * HOUR : 0,
      ]),
    );
    const brokeUntil = (provider: Provider) => broke.get(provider) ?? 0;
    const service = (provider: Provider) =>
      new ModelBatchService(provider, { clock, faults, invoice, tries, checks, brokeUntil, readObject });
    this.services = { openai: service("openai"), anthropic: service("anthropic") };
    const jobIds = new Map(this.workload.jobs.map((job) => [`${job.tenantId}/${job.key}`, job.jobId]));
    const jobIdOf = (tenantId: string, key: string) => jobIds.get(`${tenantId}/${key}`) ?? "";
    const direct = (provider: Provider) =>
      new ModelDirectService(provider, {
        clock,
        faults,
        invoice,
        tries,
        checks,
        brokeUntil,
        jobIdOf,
      });
    this.direct = { openai: direct("openai"), anthropic: direct("anthropic") };
    const { tally, trace } = this;
    this.invocations = new Invocations({
      stage,
      clock,
      random: this.random.stream("invocations"),
      faults: this.portFaults,
      tally,
      trace,
      violations,
      settings,
      tries,
      portsOf: (worker) => workerPorts(this, worker, () => `id${String((this.#ids += 1)).padStart(6, "0")}`),
    });
    this.machines = new Machines({
      stage,
      clock,
      random: this.random.stream("machines"),
      tally,
      invocations: this.invocations,
      calm: () => this.portFaults.calm,
    });
    this.consumers = stage.mappings.map(
      (mapping) =>
        new QueueConsumer(
          this.queue(mapping.queue),
          { ...mapping, queueArn: `arn:aws:sqs:eu-central-1:111122223333:Offpeak-${mapping.queue}` },
          { clock, random: this.random.stream(`consumer of ${mapping.queue}`) },
          (event) => this.invocations.invoke(mapping.functionId, event),
          (message) => void this.cancels.taken(message),
        ),
    );
  }

  queue(name: string): SimulatedQueue {
    const queue = this.queues.get(name);
    if (queue === undefined) throw new Error(`the stage has no queue ${name}`);
    return queue;
  }

  /** Whether something in it takes more than a week: a batch that never ends is watched for so long. */
  get isSlow(): boolean {
    return this.tally.of("faults", "cancelling never ends") > 0;
  }

  /** Has the providers end, and bill, what has ended by now though nobody looked. */
  finishBatches(): void {
    for (const service of Object.values(this.services)) service.finishAll();
  }

  /** Provider batches whose results nobody could ever read. */
  goneBatches(): Set<string> {
    const batches = Object.values(this.services).flatMap((service) => [...service.batches.values()]);
    const isGone = (batch: ModelBatch) =>
      (batch.goneFrom !== null && batch.backAt === null) || isForgotten(batch);
    return new Set(batches.filter(isGone).map(({ id }) => id));
  }

  /** The UTC day on which the provider ended a batch. */
  endDateOf(providerBatchId: string): string | undefined {
    const batch =
      this.services.openai.batches.get(providerBatchId) ??
      this.services.anthropic.batches.get(providerBatchId);
    return batch && new Date(batch.fate.endsAt).toISOString().slice(0, 10);
  }

  #makeQueues(): Map<string, SimulatedQueue> {
    const { clock, tally, trace, stage } = this;
    const repeats = ({ body }: QueuedMessage) => {
      if (this.portFaults.calm) return 0;
      return body.includes('"cancel":{') ? CANCEL_REPEATED : REPEATED;
    };
    return makeQueues(stage.queues, (name) => {
      const random = this.random.stream(`queue ${name}`);
      return { clock, random, tally, trace, repeats };
    });
  }
}
