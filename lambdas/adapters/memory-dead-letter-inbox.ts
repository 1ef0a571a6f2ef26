import type { DeadLetterInbox, ReceivedLetter } from "../ports.ts";

/** As many as SQS gives at a time. */
const LETTERS_PER_RECEIVE = 10;

/** A letter to begin with: its body, or more of it. */
type MemoryLetter = string | (Partial<ReceivedLetter> & { readonly body: string });

export class MemoryDeadLetterInbox implements DeadLetterInbox {
  readonly #letters = new Map<string, ReceivedLetter>();
  readonly #hidden = new Set<string>();

  constructor(letters: readonly MemoryLetter[] = []) {
    for (const [number, given] of letters.entries()) {
      const receipt = `receipt-${number + 1}`;
      const letter = typeof given === "string" ? { body: given } : given;
      const defaults = { messageId: `message-${number + 1}`, senderId: null, sentAt: 0, moved: false };
      this.#letters.set(receipt, { ...defaults, ...letter, receipt });
    }
  }

  /** The bodies that are left, hidden ones included. */
  get bodies(): readonly string[] {
    return [...this.#letters.values()].map(({ body }) => body);
  }

  async receive(limit = LETTERS_PER_RECEIVE): Promise<readonly ReceivedLetter[]> {
    const shown = [...this.#letters.values()]
      .filter(({ receipt }) => !this.#hidden.has(receipt))
      .slice(0, Math.min(limit, LETTERS_PER_RECEIVE));
    for (const { receipt } of shown) this.#hidden.add(receipt);
    return shown;
  }

  async delete(receipts: readonly string[]): Promise<void> {
    for (const receipt of receipts) this.#letters.delete(receipt);
  }

  async release(receipts: readonly string[]): Promise<void> {
    for (const receipt of receipts) this.#hidden.delete(receipt);
  }
}
