import { AnthropicError as AnthropicBaseError, APIError as AnthropicError } from "@anthropic-ai/sdk";
import { APIError as OpenAiError, OpenAIError } from "openai";
import { isRetryableStatus } from "../../domain/failure-policy.ts";
import {
  LostAnswerError,
  ProviderRefusalError,
  RetryableError,
  TerminalError,
} from "../../domain/failures.ts";
import { isCreditError, readErrorBody } from "../../domain/output-line.ts";
import type { Provider } from "../../domain/vocabulary.ts";

/** An answer with an error status, whichever SDK threw it. `body` is the provider's own, undefined if not JSON. */
type ErrorAnswer = { readonly statusCode: number; readonly body: unknown; readonly headers: Headers };

/** The answer behind an SDK's error; undefined when there was none: no connection, a time-out, an abort. */
export function errorAnswer(error: unknown): ErrorAnswer | undefined {
  if (error instanceof OpenAiError) {
    const { status, headers } = error;
    // The SDK keeps only the inside of OpenAI's { error: … }.
    const body = error.error === undefined ? undefined : { error: error.error };
    return status === undefined || headers === undefined ? undefined : { statusCode: status, body, headers };
  }
  if (error instanceof AnthropicError) {
    const { status, headers, error: body } = error;
    return status === undefined || headers === undefined ? undefined : { statusCode: status, body, headers };
  }
  return undefined;
}

/** What the system says of a connection that was never made. */
const NEVER_CONNECTED: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** Whether a call surely never left: there was no key to send it with, or nobody to send it to. */
export function wasNeverSent(error: unknown): boolean {
  // The SDKs throw their own plain error when the key's function fails; whatever befalls a request is an API error.
  const own = error instanceof OpenAIError || error instanceof AnthropicBaseError;
  if (own && !(error instanceof OpenAiError) && !(error instanceof AnthropicError)) return true;
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && NEVER_CONNECTED.has(cause.code)) return true;
  }
  return false;
}

/** `repeatable`: a read, or a write that may be done twice; `upload`: one that names nothing made before; `create`: a second one would be a second batch. */
type CallKind = "repeatable" | "upload" | "create";

/** Refusals that are not the request's, and that the operator mends: a wrong or a missing key. */
const KEY_REFUSALS: ReadonlySet<number> = new Set([401, 403]);

/** The failure, in the terms of the port, of a call to a provider's batch service that threw `error`. */
export function batchCallFailure(provider: Provider, kind: CallKind, error: unknown): Error {
  if (error instanceof RetryableError || error instanceof TerminalError) return error;
  const answer = errorAnswer(error);
  const doubtful = answer === undefined || answer.statusCode === 408 || answer.statusCode >= 500;
  if (kind === "create" && doubtful) {
    return new LostAnswerError(`${provider} may have created a batch: ${reasonOf(error)}`, { cause: error });
  }
  const retryable = new RetryableError(`${provider}: ${reasonOf(error)}${retryAfterText(answer)}`, {
    cause: error,
  });
  if (answer === undefined) return retryable;
  const { code, message } = readErrorBody(provider, answer.statusCode, answer.body);
  const refusal = new ProviderRefusalError(code, message);
  // An empty account refuses work until somebody pays, with a status that may mean anything; its reads pass in time.
  if (isCreditError(code, message)) return kind === "repeatable" ? retryable : refusal;
  const mayPass =
    KEY_REFUSALS.has(answer.statusCode) ||
    (answer.statusCode === 404 && mayAppear(provider, kind)) ||
    isRetryableStatus(answer.statusCode);
  return mayPass ? retryable : refusal;
}

/** Whether a provider answered that it has no such thing, or has it no longer. */
export function isGone(error: unknown): boolean {
  const statusCode = errorAnswer(error)?.statusCode;
  return statusCode === 404 || statusCode === 410;
}

/** What was made a moment ago may not be found yet; a call that names nothing finds no such service, now or later. */
function mayAppear(provider: Provider, kind: CallKind): boolean {
  return kind === "repeatable" || (kind === "create" && provider === "openai");
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 500) : "unknown error";
}

function retryAfterText(answer: ErrorAnswer | undefined): string {
  const wait = answer && retryAfterMs(answer.headers);
  return wait == null ? "" : ` (retry after ${wait} ms)`;
}

/** How long the provider asks to wait, in milliseconds; null when it does not say. */
export function retryAfterMs(headers: Headers): number | null {
  const exact = Number.parseFloat(headers.get("retry-after-ms") ?? "");
  if (exact >= 0) return exact;
  const text = headers.get("retry-after");
  if (text === null) return null;
  const seconds = Number(text);
  // A date counts from the answer's own date: no clock of ours is compared with the provider's.
  const wait = Number.isNaN(seconds)
    ? Date.parse(text) - Date.parse(headers.get("date") ?? "")
    : Math.round(seconds * 1000);
  return wait >= 0 ? wait : null;
}
