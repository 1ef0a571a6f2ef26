import { hashText } from "./seeded-random.ts";

/** Texts beyond this many words get their vector from the first ones, which bounds the time that one vector takes. */
const MOST_WORDS = 400;

/**
 * Unit vectors in which similar texts lie close. Each word votes, by its hash, for the sign of every coordinate; the
 * coordinate's size is fixed by its index. So the norm is exactly one, whatever the text.
 */
export class EmbeddingSpace {
  readonly dimensions: number;
  readonly #sizes: Float32Array;
  readonly #positiveTexts: readonly string[];

  constructor(dimensions: number) {
    this.dimensions = dimensions;
    const raw = Array.from(
      { length: dimensions },
      (_, index) => 0.25 + (hashText(`axis ${index}`) % 1000) / 1000,
    );
    const norm = Math.sqrt(raw.reduce((sum, size) => sum + size * size, 0));
    this.#sizes = Float32Array.from(raw, (size) => size / norm);
    this.#positiveTexts = Array.from(this.#sizes, (size) => size.toPrecision(9));
  }

  /** The vector as JSON numbers: `[0.01,-0.02,…]`. */
  toJson(text: string): string {
    const signs = this.#signs(text);
    const texts = this.#positiveTexts;
    let json = "[";
    for (let index = 0; index < texts.length; index += 1) {
      json += `${index === 0 ? "" : ","}${(signs[index] ?? 0) < 0 ? "-" : ""}${texts[index]}`;
    }
    return `${json}]`;
  }

  /** The vector as little-endian 32-bit floats in base64, which the official SDK asks for by default. */
  toBase64(text: string): string {
    const signs = this.#signs(text);
    const bytes = Buffer.allocUnsafe(this.dimensions * 4);
    for (let index = 0; index < this.dimensions; index += 1) {
      const size = this.#sizes[index] ?? 0;
      bytes.writeFloatLE((signs[index] ?? 0) < 0 ? -size : size, index * 4);
    }
    return bytes.toString("base64");
  }

  /** Negative where the coordinate is negative. */
  #signs(text: string): Int32Array {
    const votes = new Int32Array(this.dimensions);
    const words = text.toLowerCase().match(/[\p{L}\d]+/gu) ?? [];
    for (const word of words.slice(0, MOST_WORDS)) addVotes(votes, hashText(word) >>> 0);
    // The whole text votes too, so that texts of the same words, or of none, differ.
    addVotes(votes, hashText(text, 1) >>> 0);
    return votes;
  }
}

/** Adds one ±1 per coordinate, 32 at a time from a xorshift sequence. */
function addVotes(votes: Int32Array, seed: number): void {
  let bits = seed || 1;
  for (let index = 0; index < votes.length; index += 1) {
    if (index % 32 === 0) {
      bits ^= bits << 13;
      bits ^= bits >>> 17;
      bits ^= bits << 5;
    }
    votes[index] = (votes[index] ?? 0) + (((bits >>> (index % 32)) & 1) === 1 ? 1 : -1);
  }
}

const SPACES = new Map<number, EmbeddingSpace>();

/** The space of that many dimensions; spaces are built once. */
export function embeddingSpace(dimensions: number): EmbeddingSpace {
  const known = SPACES.get(dimensions);
  if (known) return known;
  const space = new EmbeddingSpace(dimensions);
  SPACES.set(dimensions, space);
  return space;
}
