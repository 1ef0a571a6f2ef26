import type { z } from "zod";

/** Reads stored JSON: bytes of UTF-8, checked by the schema of what was stored. Throws on anything else. */
export function parseStoredJson<Schema extends z.ZodType>(
  schema: Schema,
  bytes: Uint8Array,
): z.output<Schema> {
  const { buffer, byteOffset, byteLength } = bytes;
  return schema.parse(JSON.parse(Buffer.from(buffer, byteOffset, byteLength).toString("utf8")));
}
