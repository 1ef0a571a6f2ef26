import { z } from "zod";

/** An error in words for the person at the terminal, who is to mend something, not to debug. */
export function failureText(error: unknown): string {
  if (error instanceof z.ZodError) return z.prettifyError(error);
  if (!(error instanceof Error)) return String(error);
  if ("code" in error && error.code === "EADDRINUSE") return `${error.message}: choose another --port`;
  return error.message;
}
