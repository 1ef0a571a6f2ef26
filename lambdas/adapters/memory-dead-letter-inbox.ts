import type { DeadLetterInbox, ReceivedLetter } from "../ports.ts";

/** As many as SQS gives at a time. */
const LETTERS_PER_RECEIVE = 10;

export class MemoryDeadLetterInbox implements DeadLetterInbox {
  readonly #letters = new Map<string, string>();
  readonly #hidden = new Set<string>();
  #serial = 0;

  constructor(bodies: readonly string[] = []) {
    for (const body of bodies) this.#letters.set(`receipt-${(this.#serial += 1)}`, body);
  }

  /** The bodies that are left, hidden ones included. */
  get bodies(): readonly string[] {
    return [...this.#letters.values()];
  }

  async receive(): Promise<readonly ReceivedLetter[]> {
    const shown = [...this.#letters]
      .filter(([receipt]) => !this.#hidden.has(receipt))
      .slice(0, LETTERS_PER_RECEIVE);
    for (const [receipt] of shown) this.#hidden.add(receipt);
    return shown.map(([receipt, body]) => ({ receipt, body }));
  }

  async delete(receipts: readonly string[]): Promise<void> {
    for (const receipt of receipts) this.#letters.delete(receipt);
  }

  async release(receipts: readonly string[]): Promise<void> {
    for (const receipt of receipts) this.#hidden.delete(receipt);
  }
}
