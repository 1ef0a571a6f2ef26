import type { DeadLetter } from "../../lambdas/domain/internal-messages.ts";
import type { Tier } from "../../lambdas/domain/vocabulary.ts";
import type {
  DeadLetterInbox,
  DeadLetterQueues,
  Outbox,
  ReceivedLetter,
  TenantQueues,
} from "../../lambdas/ports.ts";
import type { QueuedMessage, SimulatedQueue } from "./simulated-queue.ts";
import { MINUTE } from "./simulation-clock.ts";

/** As many as SQS gives at a time. */
const LETTERS_PER_RECEIVE = 10;
/** For how long whoever receives a letter has it to himself. */
const HIDDEN_MS = 5 * MINUTE;

/** One of our own queues, as its senders see it. */
export class QueueOutbox<Message> implements Outbox<Message> {
  readonly #queue: SimulatedQueue;
  constructor(queue: SimulatedQueue) {
    this.#queue = queue;
  }
  async send(messages: readonly Message[]): Promise<void> {
    for (const message of messages) this.#queue.send(JSON.stringify(message));
  }
}

export class SimulatedDeadLetterQueues implements DeadLetterQueues {
  readonly #queueOf: (tier: Tier) => SimulatedQueue;
  constructor(queueOf: (tier: Tier) => SimulatedQueue) {
    this.#queueOf = queueOf;
  }
  async send(tier: Tier, letter: DeadLetter): Promise<void> {
    this.#queueOf(tier).send(JSON.stringify(letter));
  }
}

/** A dead-letter queue, as whoever sends its letters on sees it. */
export class QueueInbox implements DeadLetterInbox {
  readonly #queue: SimulatedQueue;
  readonly #received = new Map<string, QueuedMessage>();
  #receipts = 0;
  constructor(queue: SimulatedQueue) {
    this.#queue = queue;
  }
  async receive(limit = LETTERS_PER_RECEIVE): Promise<readonly ReceivedLetter[]> {
    return this.#queue.receive(Math.min(limit, LETTERS_PER_RECEIVE), HIDDEN_MS).map((message) => {
      const receipt = `receipt-${(this.#receipts += 1)}`;
      this.#received.set(receipt, message);
      const { body, messageId, senderId, sentAt, moved } = message;
      return { body, receipt, messageId, senderId, sentAt, moved };
    });
  }
  async delete(receipts: readonly string[]): Promise<void> {
    for (const message of this.#of(receipts)) this.#queue.delete(message);
  }
  async release(receipts: readonly string[]): Promise<void> {
    for (const message of this.#of(receipts)) this.#queue.release(message);
  }
  #of(receipts: readonly string[]): QueuedMessage[] {
    return receipts.flatMap((receipt) => this.#received.get(receipt) ?? []);
  }
}

/** The tenants' own queues: everything they were ever told, by queue. */
export class ToldResults implements TenantQueues {
  readonly bodies = new Map<string, string[]>();
  async send(queueUrl: string, bodies: readonly string[]): Promise<void> {
    const told = this.bodies.get(queueUrl);
    if (told === undefined) this.bodies.set(queueUrl, [...bodies]);
    else told.push(...bodies);
  }
}
