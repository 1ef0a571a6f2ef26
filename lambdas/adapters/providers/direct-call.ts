import { LostAnswerError, NotSentError } from "../../domain/failures.ts";
import type { CallAnswer } from "../../ports.ts";
import { errorAnswer, retryAfterMs, wasNeverSent } from "./provider-failures.ts";

/** Options of a direct call; its time is the caller's to limit, by the signal. */
export const DIRECT_CALL = { maxRetries: 0, timeout: 60 * 60_000 } as const;

/**
 * Sends once and reads the whole answer. Throws NotSentError when the call surely never left, and LostAnswerError when it may
 * have, and no answer came, or not all of it.
 */
export async function directCall(send: () => Promise<Response>): Promise<CallAnswer> {
  try {
    const response = await send();
    const body: unknown = await response.json();
    return { statusCode: response.status, body, retryAfterMs: null };
  } catch (error) {
    const answer = errorAnswer(error);
    if (!answer && wasNeverSent(error))
      throw new NotSentError("the provider could not be called", { cause: error });
    if (!answer) throw new LostAnswerError("the provider did not answer", { cause: error });
    return { statusCode: answer.statusCode, body: answer.body, retryAfterMs: retryAfterMs(answer.headers) };
  }
}
