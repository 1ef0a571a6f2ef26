import { z } from "zod";

/** The function's environment, checked once at start. Throws an error that names every variable that is wrong. */
export function parseEnvironment<Schema extends z.ZodType>(schema: Schema): z.output<Schema> {
  const parsed = schema.safeParse(process.env);
  if (!parsed.success)
    throw new Error(`the function's environment is wrong:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
