import { createHash } from "node:crypto";
import { MemoryBatches } from "../../lambdas/adapters/memory-batches.ts";
import { MemoryJobMap } from "../../lambdas/adapters/memory-job-map.ts";
import { MemoryLedger } from "../../lambdas/adapters/memory-ledger.ts";
import { MemoryBudgets } from "../../lambdas/adapters/memory-budgets.ts";
import { MemoryTenants } from "../../lambdas/adapters/memory-tenants.ts";
import { MemoryWindows } from "../../lambdas/adapters/memory-windows.ts";
import type { TenantId } from "../../lambdas/domain/ids.ts";
import { tenantPolicySchema } from "../../lambdas/domain/tenant-policy.ts";
import { type RateGate, rateGate } from "../../lambdas/run-job/rate-gate.ts";
import type { Tier } from "../../lambdas/domain/vocabulary.ts";
import type { GatewayFunctionId } from "../../lib/function-limits.ts";
import type { Json } from "../../local/step-functions/json.ts";
import { FUNCTIONS, type WorkerPorts } from "../../test/simulation/functions.ts";
import { Machines } from "../../test/simulation/machines.ts";
import { QueueInbox, QueueOutbox, SimulatedDeadLetterQueues } from "../../test/simulation/queue-ports.ts";
import { Random } from "../../test/simulation/random.ts";
import { makeQueues, type SimulatedQueue } from "../../test/simulation/simulated-queue.ts";
import { SimulationClock } from "../../test/simulation/simulation-clock.ts";
import type { Stage, StageSchedule } from "../../test/simulation/stage.ts";
import { Tally } from "../../test/simulation/tally.ts";
import { Trace } from "../../test/simulation/trace.ts";
import { meanLoad, START, TENANTS } from "./arrivals.ts";
import { BatchService } from "./batch-service.ts";
import { DirectService } from "./direct-service.ts";
import { LaneObjects } from "./lane-objects.ts";
import { LaneQueue } from "./lane-queue.ts";
import { LANE_SETTINGS } from "./lane-settings.ts";
import type { Fate } from "./scenarios.ts";
import { ToldTimes } from "./told-times.ts";

const SCHEDULED_TIME = "<aws.scheduler.scheduled-time>";
const LETTER_QUEUES = ["critical", "high", "normal", "low", "runs", "deliveries"] as const;

export function tenantName(number: number): TenantId {
  return `tenant-${number}` as TenantId;
}

/** The gateway in virtual time without faults: its own state machines, use cases and schedules, on adapters in memory. */
export class LaneWorld {
  readonly clock = new SimulationClock(START);
  readonly ledger = new MemoryLedger();
  readonly told: ToldTimes;
  readonly batchService: BatchService;
  readonly directService: DirectService;
  readonly machines: Machines;
  readonly queues: ReadonlyMap<string, SimulatedQueue>;
  readonly consumers: readonly LaneQueue[];
  readonly failures = new Map<string, number>();
  readonly #objects: LaneObjects;
  readonly #ports: WorkerPorts;
  readonly #tenants = new MemoryTenants();
  readonly #budgets = new MemoryBudgets();
  /** What each function's idle processes know of the providers' limits: like Lambda's, the one used last is used next. */
  readonly #processes = new Map<GatewayFunctionId, RateGate[]>();
  #ids = 0;

  constructor(stage: Stage, fate: Fate, seed: number, jobs: number) {
    const { clock } = this;
    const random = new Random(seed).stream("machines");
    const tally = new Tally();
    this.told = new ToldTimes(clock);
    this.#objects = new LaneObjects(() => clock.now());
    this.batchService = new BatchService(clock, fate, (key) => this.#objects.get(key));
    this.directService = new DirectService(clock, fate, meanLoad(jobs));
    this.queues = makeQueues(stage.queues, () => ({
      clock,
      random,
      tally,
      trace: new Trace(false),
      repeats: () => 0,
    }));
    const invocations = { invoke: (id: GatewayFunctionId, event: Json) => this.#invoke(id, event) };
    this.machines = new Machines({ stage, clock, random, tally, invocations, calm: () => true });
    this.consumers = stage.mappings.map(
      (mapping) =>
        new LaneQueue(this.queue(mapping.queue), mapping, clock, (event) =>
          this.#invoke(mapping.functionId, event),
        ),
    );
    this.#ports = this.#makePorts();
    for (const schedule of stage.schedules) this.#start(schedule);
  }

  queue(name: string): SimulatedQueue {
    const queue = this.queues.get(name);
    if (queue === undefined) throw new Error(`the stage has no queue ${name}`);
    return queue;
  }

  async putTenants(): Promise<void> {
    for (let number = 0; number < TENANTS; number += 1) {
      const tenantId = tenantName(number);
      const delivery = { type: "sqs", queueUrl: `https://sqs.test/${tenantId}` };
      const policy = tenantPolicySchema.parse({ tenantId, delivery });
      const salt = createHash("sha256").update(tenantId).digest("hex");
      await this.#tenants.put({ version: 1, policy, salt, revision: 1, updatedAt: 0 });
    }
  }

  get isIdle(): boolean {
    const waiting = [...this.queues.values()].some((queue) => queue.size > 0);
    return !waiting && this.machines.runningBatches === 0 && this.consumers.every(({ idle }) => idle);
  }

  async #invoke(functionId: GatewayFunctionId, event: unknown): Promise<Json> {
    const free = this.#processes.get(functionId) ?? [];
    this.#processes.set(functionId, free);
    const gate = free.pop() ?? rateGate(this.#ports.runtime);
    try {
      const result = await FUNCTIONS[functionId](event, { ...this.#ports, gate }, LANE_SETTINGS);
      return (result ?? null) as Json;
    } catch (error) {
      const words = `${functionId}: ${String(error)}`.slice(0, 160);
      this.failures.set(words, (this.failures.get(words) ?? 0) + 1);
      throw error;
    } finally {
      free.push(gate);
    }
  }

  #start({ periodMs, machine, functionId, input }: StageSchedule): void {
    const { clock } = this;
    const tick = (): void => {
      clock.after(periodMs, tick);
      if (machine !== null) {
        const time = new Date(clock.now()).toISOString();
        const event = JSON.parse((input ?? "{}").replaceAll(SCHEDULED_TIME, time)) as Json;
        this.machines.start(machine, `scheduled-${clock.now()}`, event);
      } else if (functionId !== null) void this.#invoke(functionId, {}).catch(() => {});
    };
    clock.after(periodMs, tick);
  }

  #makePorts(): WorkerPorts {
    const { clock } = this;
    const letters = (name: string) => this.queue(name.endsWith("s") ? `${name}-dead` : `jobs-${name}-dead`);
    return {
      objects: this.#objects,
      jobs: new MemoryJobMap(),
      ledger: this.ledger,
      tenants: this.#tenants,
      budgets: this.#budgets,
      windows: new MemoryWindows(),
      batches: new MemoryBatches(),
      deliveries: new QueueOutbox(this.queue("deliveries")),
      runs: new QueueOutbox(this.queue("runs")),
      flexRuns: new QueueOutbox(this.queue("flex-runs")),
      deadLetters: new SimulatedDeadLetterQueues((tier: Tier) => letters(tier)),
      queues: this.told,
      executions: this.machines,
      inboxes: LETTER_QUEUES.map((queue) => ({ queue, inbox: new QueueInbox(letters(queue)) })),
      provider: async () => this.batchService,
      direct: async () => this.directService,
      runtime: {
        now: () => clock.now(),
        uniqueId: () => `id${String((this.#ids += 1)).padStart(8, "0")}`,
        sleep: (duration) => clock.sleep(duration),
      },
    };
  }
}
