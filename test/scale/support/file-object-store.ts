import { randomUUID } from "node:crypto";
import {
  createReadStream,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { type FileHandle, open, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import path from "node:path";
import { byBytes } from "../../../lambdas/adapters/byte-order.ts";
import { PartBuffer } from "../../../lambdas/adapters/part-buffer.ts";
import { MissingRecordError } from "../../../lambdas/domain/failures.ts";
import type { Instant } from "../../../lambdas/domain/instant.ts";
import type { ObjectStore } from "../../../lambdas/ports.ts";

/** As the S3 adapter uploads: a worker that writes here holds as much as one that writes there. */
const PART_BYTES = 8 * 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;
const STATS_AT_ONCE = 64;

/**
 * A bucket in a folder, one file per object. It keeps nothing in memory, so any number of threads may share the folder:
 * an object is written beside it and appears by a rename, whole or not at all.
 */
export class FileObjectStore implements ObjectStore {
  readonly bucket = "files";
  readonly #objects: string;
  readonly #unfinished: string;
  readonly #now: () => Instant;

  constructor(folder: string, now: () => Instant = Date.now) {
    this.#objects = path.join(folder, "objects");
    this.#unfinished = path.join(folder, "unfinished");
    this.#now = now;
    for (const made of [this.#objects, this.#unfinished]) mkdirSync(made, { recursive: true });
  }

  async put(key: string, body: string | Uint8Array): Promise<void> {
    // At once: small objects are many, and each step of its own would cost more than the writing.
    const unfinished = path.join(this.#unfinished, randomUUID());
    writeFileSync(unfinished, body);
    const at = this.#now() / 1000;
    utimesSync(unfinished, at, at);
    renameSync(unfinished, this.#pathOf(key));
  }

  async putStream(key: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
    return this.#write(key, (file) => writeParts(file, chunks));
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return unlessMissing(readFile(this.#pathOf(key)));
  }

  async getRange(key: string, offset: number, length: number): Promise<Uint8Array> {
    const file = await unlessMissing(open(this.#pathOf(key)));
    if (file === undefined) throw new MissingRecordError(`no object ${key}`);
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, offset);
      if (bytesRead < length) throw new MissingRecordError(`${key} has no ${length} bytes from ${offset}`);
      return buffer;
    } finally {
      await file.close();
    }
  }

  async *stream(key: string): AsyncGenerator<Uint8Array> {
    try {
      const file = this.#pathOf(key);
      const { size } = statSync(file);
      if (size === 0) return;
      // Most objects are small: one read, and no larger a buffer than they need.
      if (size <= CHUNK_BYTES) yield readFileSync(file);
      else yield* createReadStream(file, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Uint8Array>;
    } catch (error) {
      if (isMissing(error)) throw new MissingRecordError(`no object ${key}`, { cause: error });
      throw error;
    }
  }

  async size(key: string): Promise<number | undefined> {
    return (await unlessMissing(stat(this.#pathOf(key))))?.size;
  }

  async *list(prefix: string): AsyncGenerator<{ readonly key: string; readonly writtenAt: Instant }> {
    const keys = (await readdir(this.#objects)).map(decodeURIComponent);
    const found = keys.filter((key) => key.startsWith(prefix)).sort(byBytes);
    for (let start = 0; start < found.length; start += STATS_AT_ONCE) {
      const some = found.slice(start, start + STATS_AT_ONCE);
      const stats = await Promise.all(some.map((key) => unlessMissing(stat(this.#pathOf(key)))));
      for (const [number, key] of some.entries()) {
        const written = stats[number]?.mtimeMs;
        if (written !== undefined) yield { key, writtenAt: Math.round(written) };
      }
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) await rm(this.#pathOf(key), { force: true });
  }

  async #write<Written>(key: string, fill: (file: FileHandle) => Promise<Written>): Promise<Written> {
    const unfinished = path.join(this.#unfinished, randomUUID());
    const file = await open(unfinished, "wx");
    try {
      const written = await fill(file);
      await file.close();
      const at = this.#now() / 1000;
      await utimes(unfinished, at, at);
      await rename(unfinished, this.#pathOf(key));
      return written;
    } catch (error) {
      await file.close();
      await rm(unfinished, { force: true });
      throw error;
    }
  }

  /** Flat: as in a bucket, a key may be the beginning of another. */
  #pathOf(key: string): string {
    return path.join(this.#objects, encodeURIComponent(key));
  }
}

/** Writes a stream in parts, one on its way while the next fills; returns its size in bytes. */
async function writeParts(file: FileHandle, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let filling = new PartBuffer(PART_BYTES);
  let spare: PartBuffer | undefined;
  let underWay: Promise<void> = Promise.resolve();
  let size = 0;
  const send = async (bytes: Uint8Array) => {
    await underWay;
    underWay = file.writeFile(bytes);
    underWay.catch(() => {});
  };
  try {
    for await (const chunk of chunks) {
      size += chunk.byteLength;
      for (let rest = chunk; rest.byteLength > 0; rest = filling.append(rest)) {
        if (!filling.isFull) continue;
        await send(filling.bytes);
        [filling, spare] = [spare ?? new PartBuffer(PART_BYTES), filling];
        filling.clear();
      }
    }
    await send(filling.bytes);
  } finally {
    await underWay;
  }
  return size;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

async function unlessMissing<Value>(found: Promise<Value>): Promise<Value | undefined> {
  try {
    return await found;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
