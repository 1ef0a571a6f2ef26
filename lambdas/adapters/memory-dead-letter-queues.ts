import type { DeadLetter } from "../domain/internal-messages.ts";
import type { Tier } from "../domain/vocabulary.ts";
import type { DeadLetterQueues } from "../ports.ts";

export class MemoryDeadLetterQueues implements DeadLetterQueues {
  readonly #queues = new Map<Tier, DeadLetter[]>();

  async send(tier: Tier, letter: DeadLetter): Promise<void> {
    this.#queues.set(tier, [...(this.#queues.get(tier) ?? []), structuredClone(letter)]);
  }

  /** Takes out the letters sent to a tier since the last time, in order. */
  take(tier: Tier): DeadLetter[] {
    return this.#queues.get(tier)?.splice(0) ?? [];
  }
}
