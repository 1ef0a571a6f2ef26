const LINE_FEED = 0x0a;

/** One line of a JSONL stream. `bytes` is without the line feed and may be a view into a chunk of the stream. */
type JsonLine = {
  readonly bytes: Uint8Array;
  /** Bytes of the stream before this line. */
  readonly offset: number;
  /** Bytes that the line takes up, its line feed included where it has one. */
  readonly length: number;
};

/** Cuts chunks into lines. The pieces of an unfinished line are kept apart and joined once, when it ends. */
class LineCutter {
  #pieces: Uint8Array[] = [];
  #offset = 0;

  *push(chunk: Uint8Array): Generator<JsonLine> {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(LINE_FEED, start);
      if (end === -1) break;
      yield* this.#close(chunk.subarray(start, end), 1);
      start = end + 1;
    }
    if (start < chunk.length) this.#pieces.push(chunk.subarray(start));
  }

  /** The last line, if it has no line feed. */
  *finish(): Generator<JsonLine> {
    yield* this.#close(new Uint8Array(0), 0);
  }

  *#close(last: Uint8Array, lineFeed: 0 | 1): Generator<JsonLine> {
    const bytes = this.#pieces.length === 0 ? last : Buffer.concat([...this.#pieces, last]);
    const line = { bytes, offset: this.#offset, length: bytes.length + lineFeed };
    this.#pieces = [];
    this.#offset += line.length;
    if (bytes.length > 0) yield line;
  }
}

/**
 * The lines of a byte stream, however it is cut into chunks. Only the line feed ends a line: U+2028 and its like are
 * ordinary characters inside JSON strings. Empty lines are left out but count in the offsets.
 */
export async function* jsonLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<JsonLine> {
  const cutter = new LineCutter();
  for await (const chunk of chunks) yield* cutter.push(chunk);
  yield* cutter.finish();
}

/** The same for bytes that are all there. */
export function linesOf(buffer: Uint8Array): JsonLine[] {
  const cutter = new LineCutter();
  return [...cutter.push(buffer), ...cutter.finish()];
}

/** The text of a line. Bytes that are not UTF-8 become U+FFFD. */
export function lineText(line: Pick<JsonLine, "bytes">): string {
  const { buffer, byteOffset, byteLength } = line.bytes;
  return Buffer.from(buffer, byteOffset, byteLength).toString("utf8");
}

/** One value as a line of JSONL, line feed included. */
export function encodeLine(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
