import type { Random } from "./random.ts";
import { SECOND, type SimulationClock } from "./simulation-clock.ts";
import type { QueuedMessage, SimulatedQueue } from "./simulated-queue.ts";

/** What a function of a queue is given: SQS's event, as Lambda makes it. */
export type SqsEvent = {
  readonly Records: readonly {
    readonly messageId: string;
    readonly body: string;
    readonly eventSourceARN: string;
    readonly attributes: { readonly SentTimestamp: string; readonly SenderId: string };
  }[];
};

type Mapping = {
  readonly queueArn: string;
  readonly batchSize: number;
  readonly windowSeconds: number;
  readonly concurrency: number;
};

export type ConsumerWorld = { readonly clock: SimulationClock; readonly random: Random };

/** The event source mapping of one queue: gathers messages, calls the function, and deletes what it did not refuse. */
export class QueueConsumer {
  readonly #queue: SimulatedQueue;
  readonly #mapping: Mapping;
  readonly #world: ConsumerWorld;
  readonly #invoke: (event: SqsEvent) => Promise<unknown>;
  readonly #taken: (message: QueuedMessage) => void;
  #running = 0;
  #woken = false;

  /** `taken` is told of each message that the function did not refuse. */
  constructor(
    queue: SimulatedQueue,
    mapping: Mapping,
    world: ConsumerWorld,
    invoke: (event: SqsEvent) => Promise<unknown>,
    taken: (message: QueuedMessage) => void,
  ) {
    this.#taken = taken;
    this.#queue = queue;
    this.#mapping = mapping;
    this.#world = world;
    this.#invoke = invoke;
    queue.onArrival = () => this.#wake();
  }

  get idle(): boolean {
    return this.#running === 0 && !this.#woken;
  }

  #wake(): void {
    if (this.#woken || this.#running >= this.#mapping.concurrency) return;
    this.#woken = true;
    const { clock, random } = this.#world;
    const gathering = random.between(0, this.#mapping.windowSeconds * SECOND + 0.2 * SECOND);
    clock.after(gathering, () => {
      this.#woken = false;
      void this.#poll();
    });
  }

  async #poll(): Promise<void> {
    const { random } = this.#world;
    const most = random.chance(0.3) ? 1 + random.below(this.#mapping.batchSize) : this.#mapping.batchSize;
    const messages = this.#queue.receive(most);
    if (messages.length === 0) return;
    this.#running += 1;
    this.#wake();
    try {
      const failed = failedIds(await this.#invoke(this.#event(messages)));
      for (const message of messages) {
        if (failed.has(message.messageId)) continue;
        this.#taken(message);
        this.#queue.delete(message);
      }
    } catch {
      // The call failed as a whole: its messages show again when their time is up.
    }
    this.#running -= 1;
    this.#wake();
  }

  #event(messages: readonly QueuedMessage[]): SqsEvent {
    return {
      Records: messages.map(({ messageId, body, senderId, sentAt }) => ({
        messageId,
        body,
        eventSourceARN: this.#mapping.queueArn,
        attributes: { SentTimestamp: String(sentAt), SenderId: senderId },
      })),
    };
  }
}

function failedIds(response: unknown): Set<string> {
  const { batchItemFailures } = response as {
    readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
  };
  return new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
}
