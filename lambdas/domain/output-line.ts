import { z } from "zod";
import { type Answer, readAnswer } from "./answer.ts";
import { isRetryableStatus } from "./failure-policy.ts";
import type { Endpoint, Provider } from "./vocabulary.ts";

/** Longest error message of a provider that is handed on, in UTF-16 units. */
const MAX_MESSAGE_LENGTH = 500;

/**
 * Why a line has no answer. `request`: the provider refuses this request for good; `provider`: another try may go
 * better; `expired` and `cancelled`: the batch ended before it was run; `unknown`: the line does not say.
 */
type LineFailure = {
  readonly code: string;
  /** The provider's own message, cut; never anything else of the request. */
  readonly message: string;
  readonly statusCode: number | null;
  readonly origin: "request" | "provider" | "expired" | "cancelled" | "unknown";
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

/** Codes of a failure that is the account's, not the request's, whatever status it came with. */
const ACCOUNT_ERRORS = new Set([
  "insufficient_quota",
  "billing_hard_limit_reached",
  "billing_not_active",
  "rate_limit_exceeded",
]);

/** Anthropic's error types for requests that fail again in the same way; all others may pass. */
const ANTHROPIC_REQUEST_ERRORS = new Set(["invalid_request_error", "not_found_error", "request_too_large"]);

/** Reads one line of a provider's output or error file. Fields that we do not know are let through. */
export function readOutputLine(provider: Provider, text: string): OutputLine {
  return READERS[provider](parseJson(text)) ?? { kind: "unparseable" };
}

/** A refused call's body in the words of the provider, as a direct call gets it. */
export function readErrorBody(provider: Provider, statusCode: number, body: unknown): LineFailure {
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
  if (!response)
    return unknownFailure(customId, "empty_line", "the provider gave neither an answer nor an error");
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
  if (error) return { kind: "failed", customId, failure: failureOf(error, "provider", null) };
  return unknownFailure(customId, "unreadable_answer", "the provider's answer could not be read");
}

function unknownFailure(customId: string, code: string, message: string): OutputLine {
  return { kind: "failed", customId, failure: { code, message, statusCode: null, origin: "unknown" } };
}

const BATCH_ERRORS: ReadonlyMap<string, LineFailure["origin"]> = new Map([
  ["batch_expired", "expired"],
  ["batch_cancelled", "cancelled"],
]);

/** An error beside the response: what became of the line in the batch, not an answer of the endpoint. */
function batchFailure(error: ProviderError, statusCode: number | null): LineFailure {
  const origin = BATCH_ERRORS.get(error.code ?? "");
  if (origin) return failureOf(error, origin, statusCode);
  return statusCode === null ? failureOf(error, "provider", null) : openAiFailure(error, statusCode);
}

function openAiFailure(error: ProviderError | undefined, statusCode: number): LineFailure {
  const accountsFault = statusCode === 401 || statusCode === 403 || ACCOUNT_ERRORS.has(error?.code ?? "");
  const passing = accountsFault || statusCode < 400 || isRetryableStatus(statusCode);
  return failureOf(error, passing ? "provider" : "request", statusCode);
}

function readAnthropicLine(value: unknown): OutputLine | undefined {
  const line = anthropicLineSchema.safeParse(value).data;
  if (!line) return undefined;
  const { custom_id: customId, result } = line;
  if (!result)
    return unknownFailure(customId, "empty_line", "the provider gave neither an answer nor an error");
  if (result.type === "succeeded") return answered(customId, "/v1/messages", result.message);
  if (result.type === "errored") {
    // The error stands in an envelope of its own: { type: "error", error: { type, message } }.
    const error = errorBodySchema.safeParse(result.error).data?.error;
    return { kind: "failed", customId, failure: anthropicFailure(error, null) };
  }
  const [origin, word] =
    result.type === "expired" ? (["expired", "expired"] as const) : (["cancelled", "was cancelled"] as const);
  const message = `the batch ${word} before this request was run`;
  return { kind: "failed", customId, failure: { code: result.type, message, statusCode: null, origin } };
}

function anthropicFailure(error: ProviderError | undefined, statusCode: number | null): LineFailure {
  // Anthropic reports an empty account as an invalid request.
  const accountsFault = /credit balance/i.test(error?.message ?? "");
  const final = ANTHROPIC_REQUEST_ERRORS.has(error?.type ?? "") && !accountsFault;
  return failureOf(error, final ? "request" : "provider", statusCode);
}

function failureOf(
  error: ProviderError | undefined,
  origin: LineFailure["origin"],
  statusCode: number | null,
): LineFailure {
  return {
    code: error?.code ?? error?.type ?? (statusCode === null ? "provider_error" : `http_${statusCode}`),
    message: cutMessage(error?.message ?? "the provider gave no reason"),
    statusCode,
    origin,
  };
}

/** A provider's message, no longer than what is handed on. */
function cutMessage(message: string): string {
  return message.length <= MAX_MESSAGE_LENGTH
    ? message
    : `${message.slice(0, MAX_MESSAGE_LENGTH - 1).toWellFormed()}…`;
}
