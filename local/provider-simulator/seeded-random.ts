/** A 53-bit hash of `text` (two 32-bit multiplicative hashes); `seed` gives independent families. */
export function hashText(text: string, seed = 0): number {
  const hasher = new PrefixHasher(seed);
  hasher.add(text, 0, text.length);
  return hasher.value();
}

/** The same hash, computed piece by piece so that every prefix of a long text has its own value. */
export class PrefixHasher {
  #high: number;
  #low: number;

  constructor(seed = 0) {
    this.#high = 0xdeadbeef ^ seed;
    this.#low = 0x41c6ce57 ^ seed;
  }

  add(text: string, from: number, to: number): void {
    let high = this.#high;
    let low = this.#low;
    for (let index = from; index < to; index += 1) {
      const unit = text.charCodeAt(index);
      high = Math.imul(high ^ unit, 2654435761);
      low = Math.imul(low ^ unit, 1597334677);
    }
    this.#high = high;
    this.#low = low;
  }

  /** The hash of everything added so far, below 2^53. */
  value(): number {
    let high = Math.imul(this.#high ^ (this.#high >>> 16), 2246822507);
    let low = Math.imul(this.#low ^ (this.#low >>> 16), 2246822507);
    high ^= Math.imul(low ^ (low >>> 13), 3266489909);
    low ^= Math.imul(high ^ (high >>> 16), 3266489909);
    return 4294967296 * (2097151 & low) + (high >>> 0);
  }
}

/** Numbers in [0, 1) that depend on the seed alone. */
export type Random = () => number;

export function createRandom(seed: string): Random {
  let state = hashText(seed) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A log-normal draw: half of all draws lie below `median`, nine in ten below `ninetiethPercentile`. */
export function drawLogNormal(random: Random, median: number, ninetiethPercentile: number): number {
  // The standard normal distribution has 90 % of its mass below 1.2816.
  const sigma = Math.log(ninetiethPercentile / median) / 1.2816;
  const uniform = Math.max(random(), Number.EPSILON);
  const normal = Math.sqrt(-2 * Math.log(uniform)) * Math.cos(2 * Math.PI * random());
  return median * Math.exp(sigma * normal);
}

/** The numbers 0 … count - 1 in an order that depends on the seed alone. */
export function shuffledIndexes(count: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    const held = order[last] ?? 0;
    order[last] = order[other] ?? 0;
    order[other] = held;
  }
  return order;
}

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";

/** An identifier of `length` letters and digits that depends on `key` alone. */
export function derivedId(prefix: string, key: string, length: number): string {
  const random = createRandom(`${prefix}|${key}`);
  let id = prefix;
  for (let index = 0; index < length; index += 1) id += ALPHABET[Math.floor(random() * ALPHABET.length)];
  return id;
}
