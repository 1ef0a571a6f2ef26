import { answerText } from "./answer-text.ts";
import type { Call, Execution } from "./execution.ts";
import type { ModelFacts } from "./model-catalog.ts";
import type { ChatBody, ResponsesBody } from "./openai-body-schemas.ts";
import { type CacheUse, NO_CACHE_USE } from "./prompt-cache.ts";
import { countPromptTokens, type Prompt } from "./prompt.ts";
import { openAiRefusal } from "./provider-errors.ts";
import { answerForNamedFields, answerForSchema } from "./schema-answer.ts";

/** JSON by schema, JSON by the words of the instructions, or plain text. */
export function formattedText(type: string | undefined, schema: unknown, prompt: Prompt): string {
  const text = prompt.conversation || prompt.instructions;
  if (type === "json_schema") return JSON.stringify(answerForSchema(schema, text));
  const instructions = prompt.instructions || prompt.conversation;
  if (type === "json_object" || /\bJSON\b/.test(instructions)) {
    return JSON.stringify(answerForNamedFields(instructions, text));
  }
  return answerText(prompt.instructions, prompt.conversation);
}

export function contextProblem(prompt: Prompt, model: ModelFacts): Execution | null {
  const tokens = countPromptTokens(prompt);
  if (tokens <= model.contextTokens) return null;
  const message = `This model's maximum context length is ${model.contextTokens} tokens. However, your messages resulted in ${tokens} tokens. Please reduce the length of the messages.`;
  return {
    kind: "refused",
    refusal: openAiRefusal(message, { code: "context_length_exceeded", param: "messages" }),
  };
}

/** Older models cache on their own and for free; from gpt-5.6 writes are billed and breakpoints may be explicit. */
export function useCache(
  body: ChatBody | ResponsesBody,
  model: ModelFacts,
  prompt: Prompt,
  call: Call,
): CacheUse {
  const scope = `${call.account}|${model.id}`;
  if (!model.billsCacheWrites) {
    const lifetime = body.prompt_cache_retention === "24h" ? "24h" : "10m";
    return { ...call.cache.useAutomatic(scope, prompt, model.minimumCacheTokens, lifetime), written: 0 };
  }
  const marked = prompt.segments.some((segment) => segment.breakpoint !== null);
  if (marked) return call.cache.useBreakpoints(scope, prompt.segments, model.minimumCacheTokens);
  if (body.prompt_cache_options?.mode === "explicit") return NO_CACHE_USE;
  const lifetime = body.prompt_cache_options?.ttl ?? "30m";
  return call.cache.useAutomatic(scope, prompt, model.minimumCacheTokens, lifetime);
}

/** A batch line is billed as batch whatever tier it asks for. */
export function serviceOf(body: ChatBody | ResponsesBody, call: Call): Call["service"] {
  return call.service === "sync" && body.service_tier === "flex" ? "flex" : call.service;
}
