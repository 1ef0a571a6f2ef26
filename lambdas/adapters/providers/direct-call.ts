import { LostAnswerError, NotSentError } from "../../domain/failures.ts";
import type { CallAnswer, RateAllowance } from "../../ports.ts";
import { errorAnswer, retryAfterMs, wasNeverSent } from "./provider-failures.ts";

/** Options of a direct call; its time is the caller's to limit, by the signal. */
export const DIRECT_CALL = { maxRetries: 0, timeout: 60 * 60_000 } as const;

/**
 * Sends once and reads the whole answer; `allowanceOf` reads the provider's own headers. Throws NotSentError when the call
 * surely never left, and LostAnswerError when it may have, and no answer came, or not all of it.
 */
export async function directCall(
  send: () => Promise<Response>,
  allowanceOf: (headers: Headers) => RateAllowance | undefined,
): Promise<CallAnswer> {
  const told = (headers: Headers) => {
    const allowance = allowanceOf(headers);
    return allowance ? { allowance } : {};
  };
  try {
    const response = await send();
    const body: unknown = await response.json();
    return { statusCode: response.status, body, retryAfterMs: null, ...told(response.headers) };
  } catch (error) {
    const answer = errorAnswer(error);
    if (!answer && wasNeverSent(error))
      throw new NotSentError("the provider could not be called", { cause: error });
    if (!answer) throw new LostAnswerError("the provider did not answer", { cause: error });
    const { statusCode, body, headers } = answer;
    return { statusCode, body, retryAfterMs: retryAfterMs(headers), ...told(headers) };
  }
}
