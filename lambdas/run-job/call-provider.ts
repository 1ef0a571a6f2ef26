import { readAnswer } from "../domain/answer.ts";
import { LostAnswerError, NotSentError } from "../domain/failures.ts";
import { type CallFailure, callPolicy } from "../domain/failure-policy.ts";
import type { JobRecord } from "../domain/job-record.ts";
import { readErrorBody } from "../domain/output-line.ts";
import type { AttemptOutcome } from "../domain/settle-line.ts";
import type { DirectProvider } from "../ports.ts";

/** Milliseconds until a call counts as unanswered; three of them fit into the function's time. */
const CALL_TIMEOUT_MS = 55_000;
/** A provider that asks for a longer wait is asked again after this. */
const LONGEST_WAIT_MS = 5_000;

/** What one call came to. */
export type CallOutcome =
  | Extract<AttemptOutcome, { kind: "answered" }>
  | {
      readonly kind: "failed";
      readonly seen: CallFailure;
      readonly code: string;
      readonly message: string;
      readonly retryAfterMs: number | null;
    };

/** Calls the provider once for a job. Throws only what is not about this call. */
export async function callProvider(record: JobRecord, direct: DirectProvider): Promise<CallOutcome> {
  const { endpoint, provider } = record.group;
  try {
    const called = await direct.call(endpoint, record.body, AbortSignal.timeout(CALL_TIMEOUT_MS));
    if (called.statusCode >= 300) {
      const { seen, code, message } = readErrorBody(provider, called.statusCode, called.body);
      const retryAfterMs =
        called.retryAfterMs === null ? null : Math.min(called.retryAfterMs, LONGEST_WAIT_MS);
      return { kind: "failed", seen, code, message, retryAfterMs };
    }
    const answer = readAnswer(endpoint, called.body);
    if (!answer) return ownFailure("unreadable-answer");
    const { usage, response, finish } = answer;
    return { kind: "answered", usage, response, finish };
  } catch (error) {
    if (error instanceof NotSentError) return ownFailure("not-sent");
    if (error instanceof LostAnswerError) return ownFailure("lost-answer");
    throw error;
  }
}

/** A failure that the provider has no words for. */
function ownFailure(seen: "unreadable-answer" | "not-sent" | "lost-answer"): CallOutcome {
  const { tells, why } = callPolicy(seen);
  const { code, message } = tells ?? { code: seen.replaceAll("-", "_"), message: why };
  return { kind: "failed", seen, code, message, retryAfterMs: null };
}
