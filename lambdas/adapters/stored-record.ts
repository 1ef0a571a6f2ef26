import type { z } from "zod";
import { TerminalError } from "../domain/failures.ts";

/**
 * A record as its schema knows it, attributes of storage dropped. Throws TerminalError, naming the record, when it is
 * of no version that this code reads.
 */
export function parseStored<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  name: string,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new TerminalError(`cannot read ${name}: ${problems.join("; ")}`);
}
