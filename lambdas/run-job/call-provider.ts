import { readAnswer } from "../domain/answer.ts";
import { LostAnswerError, NotSentError } from "../domain/failures.ts";
import type { FailureOrigin } from "../domain/failure-policy.ts";
import type { JobRecord } from "../domain/job-record.ts";
import { readErrorBody } from "../domain/output-line.ts";
import type { AttemptOutcome } from "../domain/settle-line.ts";
import type { DirectProvider } from "../ports.ts";

/** Milliseconds until a call counts as unanswered; three of them fit into the function's time. */
const CALL_TIMEOUT_MS = 55_000;
/** A provider that asks for a longer wait is asked again after this. */
const LONGEST_WAIT_MS = 5_000;

type CallFailure = { readonly origin: FailureOrigin; readonly code: string; readonly message: string };

/** What one call came to. `lost`: it was sent and may have been billed, but no usable answer came. */
export type CallOutcome =
  | Extract<AttemptOutcome, { kind: "answered" }>
  | { readonly kind: "failed" | "lost"; readonly failure: CallFailure; readonly retryAfterMs: number | null };

/** Calls the provider once for a job. Throws only what is not about this call. */
export async function callProvider(record: JobRecord, direct: DirectProvider): Promise<CallOutcome> {
  const { endpoint, provider } = record.group;
  try {
    const called = await direct.call(endpoint, record.body, AbortSignal.timeout(CALL_TIMEOUT_MS));
    if (called.statusCode >= 300) {
      const { origin, code, message } = readErrorBody(provider, called.statusCode, called.body);
      const retryAfterMs =
        called.retryAfterMs === null ? null : Math.min(called.retryAfterMs, LONGEST_WAIT_MS);
      return { kind: "failed", failure: { origin, code, message }, retryAfterMs };
    }
    const answer = readAnswer(endpoint, called.body);
    if (answer) return { kind: "answered", usage: answer.usage, response: answer.response };
    return lost("unreadable_answer", "the provider's answer could not be read");
  } catch (error) {
    if (error instanceof NotSentError) {
      const failure = {
        origin: "provider",
        code: "not_sent",
        message: "the provider could not be called",
      } as const;
      return { kind: "failed", failure, retryAfterMs: null };
    }
    if (error instanceof LostAnswerError) return lost("no_answer", "the provider did not answer");
    throw error;
  }
}

function lost(code: string, message: string): CallOutcome {
  return { kind: "lost", failure: { origin: "unknown", code, message }, retryAfterMs: null };
}
