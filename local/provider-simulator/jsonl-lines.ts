const LF = 0x0a;

/** The non-empty lines of a JSONL byte stream, split on LF bytes alone: other separators are legal inside JSON text. */
export async function* jsonlLines(bytes: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let pending: Buffer[] = [];
  for await (const chunk of bytes) {
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      pending.push(chunk.subarray(start, end));
      const line = joinTrimmed(pending);
      if (line !== "") yield line;
      pending = [];
      start = end + 1;
    }
    if (start < chunk.length) pending.push(chunk.subarray(start));
  }
  const rest = joinTrimmed(pending);
  if (rest !== "") yield rest;
}

function joinTrimmed(pieces: readonly Buffer[]): string {
  return Buffer.concat(pieces).toString("utf8").trim();
}
