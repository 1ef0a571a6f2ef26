import { z } from "zod";

/** What Lambda answers instead of a payload when an invocation fails. */
export const functionErrorSchema = z.object({
  errorType: z.string(),
  errorMessage: z.string(),
  trace: z.array(z.string()).optional(),
});
export type FunctionError = z.infer<typeof functionErrorSchema>;

export type InvocationResult =
  | { readonly kind: "succeeded"; /** JSON text. */ readonly payload: string }
  | { readonly kind: "failed"; readonly error: FunctionError };

export function failed(errorType: string, errorMessage: string): InvocationResult {
  return { kind: "failed", error: { errorType, errorMessage } };
}

/** Lambda's limit for a synchronous request and for its response, in bytes. */
export const MAX_PAYLOAD_BYTES = 6 * 1024 * 1024;
