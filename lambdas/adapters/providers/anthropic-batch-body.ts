import { TerminalError } from "../../domain/failures.ts";

const HEAD = Buffer.from('{"requests":[');
const TAIL = Buffer.from("]}");
const LINE_FEED = 0x0a;
const COMMA = 0x2c;

/**
 * The body of a create, made from a batch's input object without parsing it: inside JSON no byte of a line is a line
 * feed, so the lines become an array's elements by turning each line feed but the last into a comma. `length` is the
 * body's exact number of bytes. Throws TerminalError, before the body ends, for an input that does not end in one.
 */
export function batchBody(
  lines: AsyncIterable<Uint8Array>,
  inputBytes: number,
): { readonly chunks: AsyncIterable<Uint8Array>; readonly length: number } {
  return { chunks: bodyChunks(lines), length: HEAD.length + inputBytes - 1 + TAIL.length };
}

async function* bodyChunks(lines: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield HEAD;
  let lineFeedHeld = false;
  for await (const chunk of lines) {
    if (chunk.length === 0) continue;
    if (lineFeedHeld) yield Uint8Array.of(COMMA);
    lineFeedHeld = chunk.at(-1) === LINE_FEED;
    // A copy: the chunk is not ours, and a Buffer's own slice would be a view of it.
    const part = new Uint8Array(lineFeedHeld ? chunk.subarray(0, -1) : chunk);
    for (let at = part.indexOf(LINE_FEED); at !== -1; at = part.indexOf(LINE_FEED, at + 1)) part[at] = COMMA;
    yield part;
  }
  if (!lineFeedHeld) throw new TerminalError("a batch's input must end in a line feed");
  yield TAIL;
}
