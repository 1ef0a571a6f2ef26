import type { Outbox } from "../ports.ts";

export class MemoryOutbox<Message> implements Outbox<Message> {
  readonly #messages: Message[] = [];

  async send(messages: readonly Message[]): Promise<void> {
    this.#messages.push(...structuredClone(messages));
  }

  /** Takes out everything sent since the last time, in order. */
  take(): Message[] {
    return this.#messages.splice(0);
  }
}
