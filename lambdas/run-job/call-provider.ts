import { readAnswer } from "../domain/answer.ts";
import { LostAnswerError, NotSentError } from "../domain/failures.ts";
import { type CallFailure, callPolicy } from "../domain/failure-policy.ts";
import type { JobRecord } from "../domain/job-record.ts";
import { readErrorBody } from "../domain/output-line.ts";
import type { AttemptOutcome } from "../domain/settle-line.ts";
import type { DirectLane } from "../domain/vocabulary.ts";
import type { CallAnswer, DirectProvider } from "../ports.ts";

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

/** Where a call goes, until when it is waited for, and who is told what the provider said of its limits. */
export type CallWay = {
  readonly direct: DirectProvider;
  readonly lane: DirectLane;
  readonly signal: AbortSignal;
  readonly heard: (answer: CallAnswer) => void;
};

/** Calls the provider once for a job. Throws only what is not about this call. */
export async function callProvider(record: JobRecord, way: CallWay): Promise<CallOutcome> {
  const { endpoint, provider } = record.group;
  const { direct, lane, signal, heard } = way;
  try {
    const called = await Promise.race([direct.call(endpoint, record.body, signal, lane), cutOff(signal)]);
    heard(called);
    if (called.statusCode >= 300) {
      const { seen, code, message } = readErrorBody(provider, called.statusCode, called.body);
      const { retryAfterMs, statusCode } = called;
      const noCapacity = lane === "flex" && statusCode === 429 && seen === "busy";
      return { kind: "failed", seen: noCapacity ? "no-capacity" : seen, code, message, retryAfterMs };
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

/** Rejects when the signal is given, whether or not the adapter heeds it. */
function cutOff(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const lose = () => reject(new LostAnswerError("the provider did not answer in time"));
    if (signal.aborted) lose();
    else signal.addEventListener("abort", lose, { once: true });
  });
}

/** A failure that the provider has no words for. */
function ownFailure(seen: "unreadable-answer" | "not-sent" | "lost-answer"): CallOutcome {
  const { tells, why } = callPolicy(seen);
  const { code, message } = tells ?? { code: seen.replaceAll("-", "_"), message: why };
  return { kind: "failed", seen, code, message, retryAfterMs: null };
}
