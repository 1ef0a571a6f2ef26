import { z } from "zod";
import type { TokenUsage } from "./usage.ts";
import type { Endpoint } from "./vocabulary.ts";

/** `truncated`: cut off by a limit, or not brought to its end. `refused`: the model or a filter declined. */
export type Finish = "complete" | "truncated" | "refused";

/** What a provider answered and what it will bill for it. */
export type Answer = {
  readonly usage: TokenUsage;
  readonly finish: Finish;
  /** The provider's body, as it came. */
  readonly response: unknown;
  /** The model that the provider says it used: a snapshot's name, mostly. */
  readonly providerModel: string | null;
};

const tokens = z
  .number()
  .int()
  .nonnegative()
  .nullish()
  .transform((count) => count ?? 0);
const model = z.string().nullish();

const chatSchema = z.object({
  model,
  choices: z.array(
    z.object({
      finish_reason: z.string().nullish(),
      message: z.object({ refusal: z.string().nullish() }).nullish(),
    }),
  ),
  usage: z.object({
    prompt_tokens: z.number().int().nonnegative(),
    completion_tokens: tokens,
    prompt_tokens_details: z.object({ cached_tokens: tokens, cache_write_tokens: tokens }).nullish(),
    completion_tokens_details: z.object({ reasoning_tokens: tokens }).nullish(),
  }),
});

const responsesSchema = z.object({
  model,
  status: z.string().nullish(),
  incomplete_details: z.object({ reason: z.string().nullish() }).nullish(),
  output: z
    .array(z.object({ content: z.array(z.object({ type: z.string() })).nullish() }))
    .nullish()
    .catch(null),
  usage: z.object({
    input_tokens: z.number().int().nonnegative(),
    output_tokens: tokens,
    input_tokens_details: z.object({ cached_tokens: tokens, cache_write_tokens: tokens }).nullish(),
    output_tokens_details: z.object({ reasoning_tokens: tokens }).nullish(),
  }),
});

const embeddingsSchema = z.object({
  model,
  usage: z.object({ prompt_tokens: z.number().int().nonnegative() }),
});

const messageSchema = z.object({
  model,
  stop_reason: z.string().nullish(),
  usage: z.object({
    input_tokens: z.number().int().nonnegative(),
    output_tokens: tokens,
    cache_read_input_tokens: tokens,
    cache_creation_input_tokens: tokens,
    cache_creation: z
      .object({ ephemeral_5m_input_tokens: tokens, ephemeral_1h_input_tokens: tokens })
      .nullish(),
    output_tokens_details: z.object({ thinking_tokens: tokens }).nullish(),
  }),
});

type Reader = (responseBody: unknown) => Answer | undefined;

const READERS: Readonly<Record<Endpoint, Reader>> = {
  "/v1/chat/completions": (body) => read(chatSchema, body, chatUsage, chatFinish),
  "/v1/responses": (body) => read(responsesSchema, body, responsesUsage, responsesFinish),
  "/v1/embeddings": (body) => read(embeddingsSchema, body, embeddingsUsage, () => "complete"),
  "/v1/messages": (body) => read(messageSchema, body, messageUsage, messageFinish),
};

/**
 * Reads the body of a 200 answer. Undefined when it is not what the endpoint answers or does not say what it used:
 * such an answer cannot be priced.
 */
export function readAnswer(endpoint: Endpoint, responseBody: unknown): Answer | undefined {
  return READERS[endpoint](responseBody);
}

function read<Body extends { readonly model?: string | null | undefined }>(
  schema: z.ZodType<Body>,
  response: unknown,
  usageOf: (body: Body) => TokenUsage,
  finishOf: (body: Body) => Finish,
): Answer | undefined {
  const parsed = schema.safeParse(response);
  if (!parsed.success) return undefined;
  const body = parsed.data;
  return { usage: usageOf(body), finish: finishOf(body), response, providerModel: body.model ?? null };
}

/** OpenAI counts cached and cache-writing tokens inside the prompt's; ours are disjoint. */
function openAiUsage(
  prompt: number,
  cached: number,
  written: number,
  output: number,
  reasoning: number,
): TokenUsage {
  return {
    inputTokens: Math.max(0, prompt - cached - written),
    cachedInputTokens: cached,
    // Its short lifetime (30 minutes) is the only one that requests may ask for here.
    cacheWrite5mTokens: written,
    cacheWrite1hTokens: 0,
    outputTokens: output,
    reasoningTokens: reasoning,
  };
}

function chatUsage({ usage }: z.infer<typeof chatSchema>): TokenUsage {
  const prompt = usage.prompt_tokens_details;
  return openAiUsage(
    usage.prompt_tokens,
    prompt?.cached_tokens ?? 0,
    prompt?.cache_write_tokens ?? 0,
    usage.completion_tokens,
    usage.completion_tokens_details?.reasoning_tokens ?? 0,
  );
}

function chatFinish({ choices }: z.infer<typeof chatSchema>): Finish {
  if (choices.some((choice) => choice.finish_reason === "content_filter" || choice.message?.refusal))
    return "refused";
  return choices.some((choice) => choice.finish_reason === "length") ? "truncated" : "complete";
}

function embeddingsUsage({ usage }: z.infer<typeof embeddingsSchema>): TokenUsage {
  return openAiUsage(usage.prompt_tokens, 0, 0, 0, 0);
}

function responsesUsage({ usage }: z.infer<typeof responsesSchema>): TokenUsage {
  const input = usage.input_tokens_details;
  return openAiUsage(
    usage.input_tokens,
    input?.cached_tokens ?? 0,
    input?.cache_write_tokens ?? 0,
    usage.output_tokens,
    usage.output_tokens_details?.reasoning_tokens ?? 0,
  );
}

function responsesFinish(body: z.infer<typeof responsesSchema>): Finish {
  const refuses = body.output?.some((item) => item.content?.some((part) => part.type === "refusal"));
  if (refuses || body.incomplete_details?.reason === "content_filter") return "refused";
  return body.status === "completed" || body.status == null ? "complete" : "truncated";
}

/** Anthropic's `input_tokens` are already without those read from or written to a cache. */
function messageUsage({ usage }: z.infer<typeof messageSchema>): TokenUsage {
  const long = usage.cache_creation?.ephemeral_1h_input_tokens ?? 0;
  const short = usage.cache_creation?.ephemeral_5m_input_tokens ?? 0;
  return {
    inputTokens: usage.input_tokens,
    cachedInputTokens: usage.cache_read_input_tokens,
    // The total stands when the split is absent or leaves something out.
    cacheWrite5mTokens: Math.max(short, usage.cache_creation_input_tokens - long),
    cacheWrite1hTokens: long,
    outputTokens: usage.output_tokens,
    reasoningTokens: usage.output_tokens_details?.thinking_tokens ?? 0,
  };
}

const FINISH_OF_STOP_REASON: ReadonlyMap<string, Finish> = new Map([
  ["refusal", "refused"],
  ["max_tokens", "truncated"],
  ["model_context_window_exceeded", "truncated"],
  ["pause_turn", "truncated"],
]);

function messageFinish(body: z.infer<typeof messageSchema>): Finish {
  return FINISH_OF_STOP_REASON.get(body.stop_reason ?? "") ?? "complete";
}
