import { MissingRecordError } from "./failures.ts";

/** The custom id of a manifest line without parsing the line: it is its first field. */
export function manifestId(line: Uint8Array): string {
  const head = Buffer.from(line.buffer, line.byteOffset, Math.min(line.byteLength, 96)).toString("latin1");
  const match = /^\{"customId":"([^"]+)"/.exec(head);
  if (!match?.[1]) throw new MissingRecordError("a manifest line does not begin with its custom id");
  return match[1];
}
