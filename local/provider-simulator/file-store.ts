import { once } from "node:events";
import { createReadStream, createWriteStream, type ReadStream, type WriteStream } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Transform, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Bytes on disk, in the folder that the simulator owns. */
export interface StoredBytes {
  readonly path: string;
  readonly bytes: number;
}

/** The simulator's folder: made when it starts, removed with everything in it when it closes. */
export class FileStore {
  readonly #folder: string;
  #nextName = 1;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async create(): Promise<FileStore> {
    return new FileStore(await mkdtemp(path.join(tmpdir(), "offpeak-provider-simulator-")));
  }

  /** Streams to disk; memory does not grow with the content. */
  async receive(content: Readable): Promise<StoredBytes> {
    const target = this.#newPath();
    let bytes = 0;
    const counter = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        done(null, chunk);
      },
    });
    await pipeline(content, counter, createWriteStream(target));
    return { path: target, bytes };
  }

  /** Writes pieces one after the other. */
  async write(pieces: AsyncIterable<string | Buffer> | Iterable<string | Buffer>): Promise<StoredBytes> {
    const writer = this.openWriter();
    for await (const piece of pieces) await writer.append(piece);
    return writer.finish();
  }

  openWriter(): StoredWriter {
    return new StoredWriter(this.#newPath());
  }

  /** `end` is the last byte to read, as in createReadStream. */
  read(stored: StoredBytes, range: { end?: number } = {}): ReadStream {
    return createReadStream(stored.path, range);
  }

  async remove(stored: StoredBytes): Promise<void> {
    await rm(stored.path, { force: true });
  }

  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  #newPath(): string {
    const name = String(this.#nextName).padStart(6, "0");
    this.#nextName += 1;
    return path.join(this.#folder, name);
  }
}

/** Appends to one new file and tells where each piece begins. */
export class StoredWriter {
  readonly #path: string;
  readonly #stream: WriteStream;
  #bytes = 0;

  constructor(target: string) {
    this.#path = target;
    this.#stream = createWriteStream(target);
  }

  /** Resolves, once there is room for more, with the piece's place in the file. */
  async append(piece: string | Buffer): Promise<{ offset: number; length: number }> {
    const bytes = typeof piece === "string" ? Buffer.from(piece) : piece;
    const place = { offset: this.#bytes, length: bytes.length };
    this.#bytes += bytes.length;
    if (!this.#stream.write(bytes)) await once(this.#stream, "drain");
    return place;
  }

  async finish(): Promise<StoredBytes> {
    await new Promise<void>((resolve, reject) => {
      this.#stream.once("error", reject);
      this.#stream.end(() => resolve());
    });
    return { path: this.#path, bytes: this.#bytes };
  }
}

/** Reads pieces of a finished file in any order. */
export async function* readPieces(
  stored: StoredBytes,
  places: Iterable<{ offset: number; length: number }>,
): AsyncGenerator<Buffer> {
  const handle = await open(stored.path);
  try {
    for (const { offset, length } of places) {
      const piece = Buffer.allocUnsafe(length);
      await handle.read(piece, 0, length, offset);
      yield piece;
    }
  } finally {
    await handle.close();
  }
}
