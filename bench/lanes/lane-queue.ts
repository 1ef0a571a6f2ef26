import type { SqsEvent } from "../../test/simulation/queue-consumer.ts";
import type { SimulatedQueue } from "../../test/simulation/simulated-queue.ts";
import { SECOND, type SimulationClock } from "../../test/simulation/simulation-clock.ts";

/** From a message's arrival to the call of its function: an assumption of what SQS and Lambda take, with long polling and a warm function. */
const POLL_MS = 20;

type Mapping = {
  readonly queue: string;
  readonly batchSize: number;
  readonly windowSeconds: number;
  readonly concurrency: number;
};

/** The event source mapping of a queue at its ordinary speed: gathers for as long as it is told to, and calls at once when it is full. */
export class LaneQueue {
  readonly #queue: SimulatedQueue;
  readonly #mapping: Mapping;
  readonly #clock: SimulationClock;
  readonly #invoke: (event: SqsEvent) => Promise<unknown>;
  #running = 0;
  #woken = false;

  constructor(
    queue: SimulatedQueue,
    mapping: Mapping,
    clock: SimulationClock,
    invoke: (event: SqsEvent) => Promise<unknown>,
  ) {
    this.#queue = queue;
    this.#mapping = mapping;
    this.#clock = clock;
    this.#invoke = invoke;
    queue.onArrival = () => this.#wake();
  }

  get idle(): boolean {
    return this.#running === 0 && !this.#woken;
  }

  #wake(): void {
    const { windowSeconds, concurrency } = this.#mapping;
    if (this.#woken || this.#running >= concurrency) return;
    this.#woken = true;
    this.#clock.after(Math.max(POLL_MS, windowSeconds * SECOND), () => {
      this.#woken = false;
      void this.#poll();
    });
  }

  async #poll(): Promise<void> {
    const messages = this.#queue.receive(this.#mapping.batchSize);
    if (messages.length === 0) return;
    this.#running += 1;
    this.#wake();
    const Records = messages.map(({ messageId, body, senderId, sentAt }) => ({
      messageId,
      body,
      eventSourceARN: `arn:aws:sqs:eu-central-1:111122223333:Offpeak-${this.#mapping.queue}`,
      attributes: { SentTimestamp: String(sentAt), SenderId: senderId },
    }));
    const response = (await this.#invoke({ Records }).catch(() => null)) as {
      readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
    } | null;
    const failed = new Set(response?.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    if (response !== null)
      for (const message of messages) if (!failed.has(message.messageId)) this.#queue.delete(message);
    this.#running -= 1;
    if (this.#queue.size > 0) this.#wake();
  }
}
