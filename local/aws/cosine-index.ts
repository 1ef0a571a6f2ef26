import { Buffer } from "node:buffer";
import { AwsError } from "./aws-error.ts";
import { type Filter, type Metadata, metadataSchema } from "./vector-filter.ts";

type StoredVector = { readonly data: Float32Array; readonly metadata: Metadata };
type Found = { readonly key: string; readonly distance: number; readonly metadata: Metadata };

/** S3 Vectors' limits of one vector's metadata: all of it, what can be filtered by, and keys. */
const MAX_METADATA_BYTES = 40 * 1024;
const MAX_FILTERABLE_BYTES = 2 * 1024;
const MAX_METADATA_KEYS = 50;

/** One vector index with cosine distance. Its search is exact, where that of S3 Vectors is approximate. */
export class CosineIndex {
  readonly unfiltered: ReadonlySet<string>;
  readonly #dimension: number;
  readonly #vectors = new Map<string, StoredVector>();

  constructor(dimension: number, unfiltered: readonly string[]) {
    this.#dimension = dimension;
    this.unfiltered = new Set(unfiltered);
  }

  /** All of them or, when one is refused, none. */
  put(
    vectors: readonly {
      readonly key: string;
      readonly data: readonly number[];
      readonly metadata: unknown;
    }[],
  ): void {
    const checked = vectors.map(({ key, data, metadata }) => ({
      key,
      data: this.#checkedData(data),
      metadata: this.#checkedMetadata(metadata),
    }));
    for (const { key, ...vector } of checked) this.#vectors.set(key, vector);
  }

  delete(keys: readonly string[]): void {
    for (const key of keys) this.#vectors.delete(key);
  }

  /** The nearest first; of equal ones the smaller key. */
  query(data: readonly number[], topK: number, filter: Filter): Found[] {
    const query = this.#checkedData(data);
    return [...this.#vectors]
      .filter(([, { metadata }]) => filter(metadata))
      .map(([key, vector]) => ({ key, distance: 1 - cosine(vector.data, query), metadata: vector.metadata }))
      .toSorted((a, b) => a.distance - b.distance || (a.key < b.key ? -1 : 1))
      .slice(0, topK);
  }

  #checkedData(data: readonly number[]): Float32Array {
    if (data.length !== this.#dimension)
      throw invalid(`the index has ${this.#dimension} dimensions, the vector ${data.length}`);
    const floats = Float32Array.from(data);
    if (!floats.every(Number.isFinite)) throw invalid("a vector holds finite numbers");
    if (floats.every((value) => value === 0)) throw invalid("a vector of zeros has no direction");
    return floats;
  }

  #checkedMetadata(metadata: unknown): Metadata {
    const parsed = metadataSchema.safeParse(metadata ?? {});
    if (!parsed.success)
      throw invalid(`metadata is text, numbers, booleans or lists of them: ${parsed.error.message}`);
    const entries = Object.entries(parsed.data);
    const filterable = entries.filter(([key]) => !this.unfiltered.has(key));
    if (entries.length > MAX_METADATA_KEYS) throw invalid(`metadata has at most ${MAX_METADATA_KEYS} keys`);
    if (bytesOf(entries) > MAX_METADATA_BYTES) throw invalid("metadata has at most 40 KB");
    if (bytesOf(filterable) > MAX_FILTERABLE_BYTES) throw invalid("filterable metadata has at most 2 KB");
    return parsed.data;
  }
}

function bytesOf(entries: readonly (readonly [string, unknown])[]): number {
  return Buffer.byteLength(JSON.stringify(Object.fromEntries(entries)));
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [product, aSquared, bSquared] = [0, 0, 0];
  for (const [place, value] of a.entries()) {
    const other = b[place] ?? 0;
    product += value * other;
    aSquared += value * value;
    bSquared += other * other;
  }
  return product / Math.sqrt(aSquared * bSquared);
}

function invalid(message: string): AwsError {
  return new AwsError("ValidationException", message);
}
