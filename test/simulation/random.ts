/**
 * Chance that can be repeated. Each concern draws from a stream of its own, named after it, so that taking one job or one
 * kind of fault away leaves what the others draw as it was.
 */
export class Random {
  readonly #seed: number;
  #state: number;

  constructor(seed: number) {
    this.#seed = seed | 0;
    this.#state = seed | 0;
  }

  /** Another stream, which depends on the seed of this one and the name alone. */
  stream(name: string): Random {
    return new Random(hash(name, this.#seed));
  }

  /** A number from 0 up to, but not including, 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    return scramble(this.#state);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** A whole number from 0 to `limit - 1`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** A number from `low` up to `high`. */
  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }

  shuffled<Item>(items: readonly Item[]): Item[] {
    const result = [...items];
    for (let last = result.length - 1; last > 0; last -= 1) {
      const other = this.below(last + 1);
      [result[last], result[other]] = [result[other] as Item, result[last] as Item];
    }
    return result;
  }
}

function scramble(state: number): number {
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}

/** 32 bits of a text (FNV-1a, finished as mulberry32 does). */
export function hash(text: string, seed = 0): number {
  let state = 0x811c9dc5 ^ seed;
  for (let index = 0; index < text.length; index += 1)
    state = Math.imul(state ^ text.charCodeAt(index), 0x01000193);
  return Math.floor(scramble(state) * 2 ** 32) | 0;
}

/** A number from 0 to 1 that depends on the parts alone. */
export function hashed(seed: number, text: string, nth = 0): number {
  return nthOf(hash(text, seed), nth);
}

/** The `nth` number from 0 to 1 of the series that a `hash` begins. */
export function nthOf(series: number, nth: number): number {
  return scramble((series + Math.imul(nth, 0x9e3779b1)) | 0);
}
