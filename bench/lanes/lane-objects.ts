import { MemoryObjectStore } from "../../lambdas/adapters/memory-object-store.ts";
import { PREFIXES } from "../../lambdas/domain/object-keys.ts";

/** A bucket in which the few open segments are found at once among hundreds of thousands of objects. */
export class LaneObjects extends MemoryObjectStore {
  readonly #open = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number) {
    super({ now });
    this.#now = now;
  }

  override async put(key: string, body: string | Uint8Array): Promise<void> {
    if (key.startsWith(PREFIXES.openSegments)) this.#open.set(key, this.#now());
    await super.put(key, body);
  }

  override async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#open.delete(key);
    await super.delete(keys);
  }

  override async *list(prefix: string): AsyncGenerator<{ readonly key: string; readonly writtenAt: number }> {
    if (prefix !== PREFIXES.openSegments) {
      yield* super.list(prefix);
      return;
    }
    for (const [key, writtenAt] of [...this.#open].toSorted(([a], [b]) => (a < b ? -1 : 1)))
      yield { key, writtenAt };
  }
}
