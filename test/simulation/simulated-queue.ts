import type { Random } from "./random.ts";
import { HOUR, MINUTE, SECOND, type SimulationClock } from "./simulation-clock.ts";
import type { StageQueue } from "./stage.ts";
import type { Tally } from "./tally.ts";
import type { Trace } from "./trace.ts";

/** A message on a queue. `sentAt` stays the same when the message moves to the dead letters. */
export type QueuedMessage = {
  readonly messageId: string;
  readonly body: string;
  readonly senderId: string;
  readonly sentAt: number;
  /** SQS moved it here after too many failures. */
  readonly moved: boolean;
  visibleAt: number;
  receives: number;
  deleted: boolean;
};

export type QueueSettings = {
  readonly name: string;
  readonly visibilityMs: number;
  /** Receives after which a message goes to `deadLetters`. */
  readonly maxReceives: number;
  readonly deadLetters: SimulatedQueue | null;
};

export type QueueWorld = {
  readonly clock: SimulationClock;
  readonly random: Random;
  readonly tally: Tally;
  readonly trace: Trace;
  /** Chance that a message is delivered once more, though it was deleted; 0 when the run has become calm. */
  readonly repeats: (message: QueuedMessage) => number;
};

/** A standard SQS queue: at least once, in no order, hidden while somebody has it, to the dead letters after too many tries. */
export class SimulatedQueue {
  readonly name: string;
  readonly #settings: QueueSettings;
  readonly #world: QueueWorld;
  readonly #messages = new Map<string, QueuedMessage>();
  #serial = 0;
  /** Called when something may have become visible. */
  onArrival: (() => void) | null = null;

  constructor(settings: QueueSettings, world: QueueWorld) {
    this.name = settings.name;
    this.#settings = settings;
    this.#world = world;
  }

  get size(): number {
    return this.#messages.size;
  }

  get messages(): QueuedMessage[] {
    return [...this.#messages.values()];
  }

  send(body: string, senderId = "AROASELF:gateway"): string {
    const messageId = `${this.name}-${(this.#serial += 1)}`;
    this.#add({ messageId, body, senderId, sentAt: this.#world.clock.now(), moved: false });
    return messageId;
  }

  #add(sent: Pick<QueuedMessage, "messageId" | "body" | "senderId" | "sentAt" | "moved">): void {
    const { clock, trace } = this.#world;
    const { messageId, body } = sent;
    this.#messages.set(messageId, { ...sent, visibleAt: clock.now(), receives: 0, deleted: false });
    trace.add(clock.now(), this.name, `got ${messageId}`, body);
    this.onArrival?.();
  }

  /** Up to `most` visible messages, hidden from now on, for as long as the queue says if not told otherwise; out of order. */
  receive(most: number, hiddenMs = this.#settings.visibilityMs): QueuedMessage[] {
    const { clock, random } = this.#world;
    const visible = [...this.#messages.values()].filter((message) => message.visibleAt <= clock.now());
    const taken: QueuedMessage[] = [];
    for (const message of random.shuffled(visible)) {
      if (taken.length >= most) break;
      if (message.receives >= this.#settings.maxReceives && this.#settings.deadLetters !== null) {
        this.#moveToDeadLetters(message, this.#settings.deadLetters);
        continue;
      }
      message.receives += 1;
      message.visibleAt = clock.now() + hiddenMs;
      this.#wakeAt(message.visibleAt);
      taken.push(message);
    }
    return taken;
  }

  delete(message: QueuedMessage): void {
    if (message.deleted) return;
    const { clock, random, tally } = this.#world;
    message.deleted = true;
    this.#messages.delete(message.messageId);
    // A delete is not always seen by every server that holds the message.
    if (!random.chance(this.#world.repeats(message))) return;
    tally.add("faults", "message delivered again after its deletion");
    clock.after(random.between(SECOND, random.chance(0.2) ? 5 * HOUR : 10 * MINUTE), () => {
      this.#messages.set(message.messageId, { ...message, deleted: false, visibleAt: clock.now() });
      this.onArrival?.();
    });
  }

  /** Shows a message to others again. */
  release(message: QueuedMessage): void {
    if (message.deleted) return;
    message.visibleAt = this.#world.clock.now();
    this.onArrival?.();
  }

  #moveToDeadLetters(message: QueuedMessage, target: SimulatedQueue): void {
    const { clock, tally, trace } = this.#world;
    this.#messages.delete(message.messageId);
    tally.add("faults", "message moved to a dead-letter queue by SQS");
    trace.add(clock.now(), this.name, `moved ${message.messageId} to ${target.name}`, message.body);
    target.#add({ ...message, moved: true });
  }

  #wakeAt(time: number): void {
    this.#world.clock.after(time - this.#world.clock.now(), () => this.onArrival?.());
  }
}

/** The queues of a stage by name, each with the one that its messages go to in the end. */
export function makeQueues(
  stage: readonly StageQueue[],
  worldOf: (name: string) => QueueWorld,
): Map<string, SimulatedQueue> {
  const queues = new Map<string, SimulatedQueue>();
  // Those without dead letters of their own are the others' dead letters.
  for (const queue of stage.toSorted(
    (a, b) => Number(a.deadLetters !== null) - Number(b.deadLetters !== null),
  )) {
    const deadLetters = queue.deadLetters === null ? null : (queues.get(queue.deadLetters) ?? null);
    queues.set(queue.name, new SimulatedQueue({ ...queue, deadLetters }, worldOf(queue.name)));
  }
  return queues;
}
