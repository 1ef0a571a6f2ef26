import type { BatchFaults } from "./faults.ts";
import { type FileStore, readPieces, type StoredBytes, type StoredWriter } from "./file-store.ts";
import { createRandom, shuffledIndexes } from "./seeded-random.ts";

type Damage = NonNullable<BatchFaults["damage"]>;

/**
 * The lines of one output file while they are made: written to disk in input order, and at the end copied in an order
 * that depends on the seed. Only their places are held in memory.
 */
export class BatchOutput {
  readonly #store: FileStore;
  readonly #spool: StoredWriter;
  readonly #places: { offset: number; length: number }[] = [];
  readonly #seed: string;

  constructor(store: FileStore, seed: string) {
    this.#store = store;
    this.#spool = store.openWriter();
    this.#seed = seed;
  }

  get lineCount(): number {
    return this.#places.length;
  }

  async append(json: string): Promise<void> {
    this.#places.push(await this.#spool.append(`${json}\n`));
  }

  /** The shuffled file, or null when there is no line. */
  async finish(): Promise<StoredBytes | null> {
    const spooled = await this.#spool.finish();
    const order = shuffledIndexes(this.#places.length, createRandom(this.#seed));
    const places = Array.from(order, (index) => this.#places[index]).filter((place) => place !== undefined);
    const file = places.length > 0 ? await this.#store.write(readPieces(spooled, places)) : null;
    await this.#store.remove(spooled);
    return file;
  }
}

type LineFate = "kept" | "missing" | "unparseable" | "repeated" | "conflicting";

/**
 * What a fault does to the line at `index`: the first lines go missing, the next become garbage, the next are doubled,
 * the next contradicted.
 */
export function fateOfLine(damage: Damage | undefined, index: number): LineFate {
  if (!damage) return "kept";
  let first = 0;
  for (const fate of ["missing", "unparseable", "repeated", "conflicting"] as const) {
    first += damage[fate];
    if (index < first) return fate;
  }
  return "kept";
}
