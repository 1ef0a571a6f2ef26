import { billedUsage, type Call, type Execution, limitText, reasoningTokens } from "./execution.ts";
import { type BilledUsage, promptTokens } from "./invoice.ts";
import type { ModelFacts } from "./model-catalog.ts";
import { chatPrompt } from "./openai-prompt.ts";
import type { ChatBody } from "./openai-body-schemas.ts";
import { contextProblem, formattedText, serviceOf, useCache } from "./openai-text.ts";
import type { Prompt } from "./prompt.ts";
import { answerForSchema } from "./schema-answer.ts";
import { derivedId } from "./seeded-random.ts";

export function answerChat(body: ChatBody, model: ModelFacts, call: Call): Execution {
  const prompt = chatPrompt(body);
  const tooLong = contextProblem(prompt, model);
  if (tooLong) return tooLong;
  const tool = forcedChatTool(body);
  const wanted = tool
    ? JSON.stringify(answerForSchema(tool.parameters, prompt.conversation))
    : chatText(body, prompt);
  const limit = body.max_completion_tokens ?? body.max_tokens ?? model.maxOutputTokens;
  const stops = typeof body.stop === "string" ? [body.stop] : (body.stop ?? []);
  const answer = limitText(wanted, limit, reasoningTokens(model, body.reasoning_effort, prompt), stops);
  const choices = body.n ?? 1;
  const usage = billedUsage(
    prompt,
    useCache(body, model, prompt, call),
    answer.tokens * choices,
    answer.reasoningTokens * choices,
  );
  const id = derivedId("chatcmpl-", call.key, 29);
  const message = tool
    ? {
        role: "assistant",
        content: null,
        refusal: null,
        annotations: [],
        tool_calls: [
          {
            id: derivedId("call_", call.key, 24),
            type: "function",
            function: { name: tool.name, arguments: answer.text },
          },
        ],
      }
    : { role: "assistant", content: answer.text, refusal: null, annotations: [] };
  const finish = answer.ending === "length" ? "length" : tool ? "tool_calls" : "stop";
  const service = serviceOf(body, call);
  const response = {
    id,
    object: "chat.completion",
    created: Math.floor(call.now / 1000),
    model: model.snapshot,
    choices: Array.from({ length: choices }, (_, index) => ({
      index,
      message,
      logprobs: null,
      finish_reason: finish,
    })),
    usage: chatUsage(usage, model),
    service_tier: service === "flex" ? "flex" : "default",
    system_fingerprint: null,
  };
  return { kind: "answered", model, service, bodyJson: JSON.stringify(response), usage };
}

function chatUsage(usage: BilledUsage, model: ModelFacts): object {
  const prompt = promptTokens(usage);
  const written = model.billsCacheWrites ? { cache_write_tokens: usage.cacheWriteTokens } : {};
  return {
    prompt_tokens: prompt,
    completion_tokens: usage.outputTokens,
    total_tokens: prompt + usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedInputTokens, audio_tokens: 0, ...written },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoningTokens,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function chatText(body: ChatBody, prompt: Prompt): string {
  const format = body.response_format;
  return formattedText(format?.type, format?.json_schema?.schema, prompt);
}

function forcedChatTool(body: ChatBody): { name: string; parameters: unknown } | undefined {
  const { tool_choice: choice } = body;
  if (choice === undefined || (typeof choice === "string" && choice !== "required")) return undefined;
  const functions = body.tools?.flatMap((tool) => (tool.function ? [tool.function] : [])) ?? [];
  const chosen =
    typeof choice === "string" ? functions[0] : functions.find((f) => f.name === choice.function.name);
  return chosen && { name: chosen.name, parameters: chosen.parameters ?? { type: "object" } };
}
