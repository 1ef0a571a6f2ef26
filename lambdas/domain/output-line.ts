import { z } from "zod";
import { type Answer, readAnswer } from "./answer.ts";
import { type LineSeen, isRetryableStatus, ownWords } from "./failure-policy.ts";
import type { Endpoint, Provider } from "./vocabulary.ts";

/** Longest error message of a provider that is handed on, in UTF-16 units. */
const MAX_MESSAGE_LENGTH = 500;

/** What a line without an answer, or a refused call, says. */
type SeenFailure = Exclude<LineSeen, "answered" | "refused-answer" | "truncated-answer">;

/** What a refused call says, in a batch or by itself. */
type SeenRefusal = Extract<
  SeenFailure,
  "request-refused" | "busy" | "server-error" | "key-refused" | "no-credit"
>;

/** Why a line, or a call, has no answer. */
type LineFailure<Seen = SeenFailure> = {
  readonly code: string;
  /** The provider's own message, cut; never anything else of the request. */
  readonly message: string;
  readonly statusCode: number | null;
  readonly seen: Seen;
};

type OutputLine =
  | { readonly kind: "answered"; readonly customId: string; readonly answer: Answer }
  | { readonly kind: "failed"; readonly customId: string; readonly failure: LineFailure }
  | { readonly kind: "unparseable" };

const providerErrorSchema = z.object({
  code: z.string().nullish().catch(null),
  type: z.string().nullish().catch(null),
  message: z.string().nullish().catch(null),
});
type ProviderError = z.infer<typeof providerErrorSchema>;

const errorBodySchema = z.object({ error: providerErrorSchema });

const openAiLineSchema = z.object({
  custom_id: z.string(),
  response: z.object({ status_code: z.number().int(), body: z.unknown().optional() }).nullish().catch(null),
  error: providerErrorSchema.nullish().catch(null),
});

const anthropicLineSchema = z.object({
  custom_id: z.string(),
  result: z
    .discriminatedUnion("type", [
      z.object({ type: z.literal("succeeded"), message: z.unknown().optional() }),
      z.object({ type: z.literal("errored"), error: z.unknown().optional() }),
      z.object({ type: z.literal("canceled") }),
      z.object({ type: z.literal("expired") }),
    ])
    .nullable()
    .catch(null),
});

/** OpenAI's codes of an account that may spend no more, whatever status they come with. */
const CREDIT_ERRORS = new Set(["insufficient_quota", "billing_hard_limit_reached", "billing_not_active"]);

/** Whether a provider's code or message says that the account has no credit left or reached its limit. */
export function isCreditError(code: string, message: string): boolean {
  // Anthropic reports an empty account as an invalid request.
  return CREDIT_ERRORS.has(code) || code === "billing_error" || /credit balance/i.test(message);
}

/** Anthropic's error types; all others may pass. */
const ANTHROPIC_ERRORS: ReadonlyMap<string, SeenRefusal> = new Map([
  ["invalid_request_error", "request-refused"],
  ["not_found_error", "request-refused"],
  ["request_too_large", "request-refused"],
  ["authentication_error", "key-refused"],
  ["permission_error", "key-refused"],
  ["rate_limit_error", "busy"],
  ["overloaded_error", "busy"],
]);

/** Reads one line of a provider's output or error file. Fields that we do not know are let through. */
export function readOutputLine(provider: Provider, text: string): OutputLine {
  return READERS[provider](parseJson(text)) ?? { kind: "unparseable" };
}

/** A refused call's body in the words of the provider, as a direct call gets it. */
export function readErrorBody(
  provider: Provider,
  statusCode: number,
  body: unknown,
): LineFailure<SeenRefusal> {
  const error = errorBodySchema.safeParse(body).data?.error;
  return provider === "openai" ? openAiFailure(error, statusCode) : anthropicFailure(error, statusCode);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const READERS: Readonly<Record<Provider, (value: unknown) => OutputLine | undefined>> = {
  openai: readOpenAiLine,
  anthropic: readAnthropicLine,
};

function readOpenAiLine(value: unknown): OutputLine | undefined {
  const line = openAiLineSchema.safeParse(value).data;
  if (!line) return undefined;
  const { custom_id: customId, response, error } = line;
  if (error) return { kind: "failed", customId, failure: batchFailure(error, response?.status_code ?? null) };
  if (!response) return ownFailure(customId, "silent-line");
  if (response.status_code !== 200) {
    return {
      kind: "failed",
      customId,
      failure: readErrorBody("openai", response.status_code, response.body),
    };
  }
  const kind = namedObjectSchema.safeParse(response.body).data?.object;
  return answered(customId, ENDPOINT_OF_OBJECT.get(kind ?? ""), response.body);
}

/** Output lines do not name their endpoint; each kind of answer names itself. */
const ENDPOINT_OF_OBJECT: ReadonlyMap<string, Endpoint> = new Map([
  ["chat.completion", "/v1/chat/completions"],
  ["response", "/v1/responses"],
  ["list", "/v1/embeddings"],
]);
const namedObjectSchema = z.object({ object: z.string() });

function answered(customId: string, endpoint: Endpoint | undefined, body: unknown): OutputLine {
  const answer = endpoint && readAnswer(endpoint, body);
  if (answer) return { kind: "answered", customId, answer };
  // A response whose status is "failed" comes with 200, an error and no usage.
  const error = errorBodySchema.safeParse(body).data?.error;
  if (error) return { kind: "failed", customId, failure: failureOf(error, "server-error", null) };
  return ownFailure(customId, "unreadable-answer");
}

/** A failure that the provider has no words for. */
function ownFailure(customId: string, seen: "silent-line" | "unreadable-answer"): OutputLine {
  const { code, message } = ownWords(seen);
  return { kind: "failed", customId, failure: { code, message, statusCode: null, seen } };
}

const BATCH_ERRORS: ReadonlyMap<string, SeenFailure> = new Map([
  ["batch_expired", "expired-line"],
  ["batch_cancelled", "cancelled-line"],
]);

/** An error beside the response: what became of the line in the batch, not an answer of the endpoint. */
function batchFailure(error: ProviderError, statusCode: number | null): LineFailure {
  const seen = BATCH_ERRORS.get(error.code ?? "");
  if (seen) return failureOf(error, seen, statusCode);
  return openAiFailure(error, statusCode);
}

function openAiFailure(
  error: ProviderError | undefined,
  statusCode: number | null,
): LineFailure<SeenRefusal> {
  return failureOf(error, openAiSeen(error, statusCode), statusCode);
}

function openAiSeen(error: ProviderError | undefined, statusCode: number | null): SeenRefusal {
  if (isCreditError(error?.code ?? "", "")) return "no-credit";
  if (error?.code === "rate_limit_exceeded") return "busy";
  return statusCode === null ? "server-error" : seenOfStatus(statusCode);
}

function seenOfStatus(statusCode: number): SeenRefusal {
  if (statusCode === 401 || statusCode === 403) return "key-refused";
  if (statusCode < 400 || statusCode >= 500) return "server-error";
  return isRetryableStatus(statusCode) ? "busy" : "request-refused";
}

function readAnthropicLine(value: unknown): OutputLine | undefined {
  const line = anthropicLineSchema.safeParse(value).data;
  if (!line) return undefined;
  const { custom_id: customId, result } = line;
  if (!result) return ownFailure(customId, "silent-line");
  if (result.type === "succeeded") return answered(customId, "/v1/messages", result.message);
  if (result.type === "errored") {
    // The error stands in an envelope of its own: { type: "error", error: { type, message } }.
    const error = errorBodySchema.safeParse(result.error).data?.error;
    return { kind: "failed", customId, failure: anthropicFailure(error, null) };
  }
  const [seen, word] =
    result.type === "expired"
      ? (["expired-line", "expired"] as const)
      : (["cancelled-line", "was cancelled"] as const);
  const message = `the batch ${word} before this request was run`;
  return { kind: "failed", customId, failure: { code: result.type, message, statusCode: null, seen } };
}

function anthropicFailure(
  error: ProviderError | undefined,
  statusCode: number | null,
): LineFailure<SeenRefusal> {
  return failureOf(error, anthropicSeen(error, statusCode), statusCode);
}

/** By the error's type: an error that has none, or one we do not know, may pass. */
function anthropicSeen(error: ProviderError | undefined, statusCode: number | null): SeenRefusal {
  const type = error?.type ?? "";
  if (isCreditError(type, error?.message ?? "")) return "no-credit";
  const seen = ANTHROPIC_ERRORS.get(type);
  if (seen) return seen;
  return statusCode === 429 || statusCode === 408 ? "busy" : "server-error";
}

function failureOf<Seen extends SeenFailure>(
  error: ProviderError | undefined,
  seen: Seen,
  statusCode: number | null,
): LineFailure<Seen> {
  return {
    code: error?.code ?? error?.type ?? (statusCode === null ? "provider_error" : `http_${statusCode}`),
    message: cutMessage(error?.message ?? "the provider gave no reason"),
    statusCode,
    seen,
  };
}

/** A provider's message, no longer than what is handed on. */
function cutMessage(message: string): string {
  return message.length <= MAX_MESSAGE_LENGTH
    ? message
    : `${message.slice(0, MAX_MESSAGE_LENGTH - 1).toWellFormed()}…`;
}
