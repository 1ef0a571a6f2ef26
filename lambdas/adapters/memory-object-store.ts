import { MissingRecordError } from "../domain/failures.ts";
import type { Instant } from "../domain/instant.ts";
import type { ObjectStore } from "../ports.ts";
import { byBytes } from "./byte-order.ts";

type StoredObject = { readonly body: Uint8Array; readonly writtenAt: Instant };

type MemoryObjectStoreOptions = {
  readonly bucket?: string;
  readonly now?: () => Instant;
  /** Bytes that `stream` gives at a time; small ones cut lines and characters apart. */
  readonly chunkBytes?: number;
};

export class MemoryObjectStore implements ObjectStore {
  readonly bucket: string;
  readonly #now: () => Instant;
  readonly #chunkBytes: number;
  readonly #objects = new Map<string, StoredObject>();

  constructor({ bucket = "memory", now = Date.now, chunkBytes = 65_536 }: MemoryObjectStoreOptions = {}) {
    this.bucket = bucket;
    this.#now = now;
    this.#chunkBytes = chunkBytes;
  }

  async put(key: string, body: string | Uint8Array): Promise<void> {
    const bytes = typeof body === "string" ? Buffer.from(body) : new Uint8Array(body);
    this.#objects.set(key, { body: bytes, writtenAt: this.#now() });
  }

  async putStream(key: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
    const copies: Uint8Array[] = [];
    for await (const chunk of chunks) copies.push(new Uint8Array(chunk));
    const body = Buffer.concat(copies);
    this.#objects.set(key, { body, writtenAt: this.#now() });
    return body.byteLength;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const object = this.#objects.get(key);
    return object && new Uint8Array(object.body);
  }

  async getRange(key: string, offset: number, length: number): Promise<Uint8Array> {
    const { body } = this.#standing(key);
    if (offset + length > body.byteLength)
      throw new MissingRecordError(`${key} has no ${length} bytes from ${offset}`);
    return new Uint8Array(body.subarray(offset, offset + length));
  }

  async *stream(key: string): AsyncGenerator<Uint8Array> {
    const { body } = this.#standing(key);
    for (let start = 0; start < body.byteLength; start += this.#chunkBytes)
      yield new Uint8Array(body.subarray(start, start + this.#chunkBytes));
  }

  async size(key: string): Promise<number | undefined> {
    return this.#objects.get(key)?.body.byteLength;
  }

  async *list(prefix: string): AsyncGenerator<{ readonly key: string; readonly writtenAt: Instant }> {
    const found = [...this.#objects].filter(([key]) => key.startsWith(prefix));
    found.sort(([a], [b]) => byBytes(a, b));
    for (const [key, { writtenAt }] of found) yield { key, writtenAt };
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#objects.delete(key);
  }

  #standing(key: string): StoredObject {
    const object = this.#objects.get(key);
    if (object === undefined) throw new MissingRecordError(`no object ${key}`);
    return object;
  }
}
