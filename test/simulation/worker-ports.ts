import { type Tier, TIERS } from "../../lambdas/domain/vocabulary.ts";
import type { WorkerPorts } from "./functions.ts";
import { QueueInbox, QueueOutbox, SimulatedDeadLetterQueues } from "./queue-ports.ts";
import { watchedDeliveries, watchedQueues } from "./result-checks.ts";
import type { Worker } from "./worker.ts";
import type { World } from "./world.ts";

const LETTER_QUEUES = [
  ...TIERS.map((queue) => ({ queue, name: `jobs-${queue}-dead` })),
  { queue: "runs", name: "runs-dead" },
  { queue: "deliveries", name: "deliveries-dead" },
] as const;

/** Every port as one worker sees it: any call may go wrong. `uniqueId` names what must be unique in the run. */
export function workerPorts(world: World, worker: Worker, uniqueId: () => string): WorkerPorts {
  const tierQueue = (tier: Tier) => world.queue(`jobs-${tier}-dead`);
  const deliveries = new QueueOutbox(world.queue("deliveries"));
  return {
    objects: worker.wrap("objects", world.objects),
    jobs: worker.wrap("jobs", world.jobs),
    ledger: worker.wrap("ledger", world.ledger),
    tenants: worker.wrap("tenants", world.tenants),
    budgets: worker.wrap("budgets", world.budgets),
    windows: worker.wrap("windows", world.windows),
    batches: worker.wrap("batches", world.batches),
    deliveries: worker.wrap("deliveries", watchedDeliveries(deliveries, world.stored)),
    runs: worker.wrap("runs", new QueueOutbox(world.queue("runs"))),
    flexRuns: worker.wrap("flexRuns", new QueueOutbox(world.queue("flex-runs"))),
    deadLetters: worker.wrap("deadLetters", new SimulatedDeadLetterQueues(tierQueue)),
    queues: worker.wrap("queues", watchedQueues(world.told, world.stored)),
    executions: worker.wrap("executions", world.machines),
    inboxes: LETTER_QUEUES.map(({ queue, name }) => ({
      queue,
      inbox: worker.wrap("inbox", new QueueInbox(world.queue(name))),
    })),
    provider: async (provider) => worker.wrap("provider", world.services[provider].for(worker)),
    direct: async (provider) => ({
      provider,
      call: (...call) =>
        worker.wrap("direct", world.direct[provider].for(new Map(worker.attempts))).call(...call),
    }),
    runtime: {
      now: () => world.clock.reading(),
      uniqueId,
      sleep: (duration) => worker.sleep(duration),
    },
  };
}
