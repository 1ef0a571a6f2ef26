import {
  billedUsage,
  type Call,
  type Execution,
  limitText,
  type LimitedText,
  reasoningTokens,
} from "./execution.ts";
import { type BilledUsage, promptTokens } from "./invoice.ts";
import type { ModelFacts } from "./model-catalog.ts";
import { responsesPrompt } from "./openai-prompt.ts";
import type { ResponsesBody } from "./openai-body-schemas.ts";
import { contextProblem, formattedText, serviceOf, useCache } from "./openai-text.ts";
import { answerForSchema } from "./schema-answer.ts";
import { derivedId } from "./seeded-random.ts";

export function answerResponse(body: ResponsesBody, model: ModelFacts, call: Call): Execution {
  const prompt = responsesPrompt(body);
  const tooLong = contextProblem(prompt, model);
  if (tooLong) return tooLong;
  const tool = forcedResponsesTool(body);
  const wanted = tool
    ? JSON.stringify(answerForSchema(tool.parameters, prompt.conversation))
    : formattedText(body.text?.format?.type, body.text?.format?.schema, prompt);
  const limit = body.max_output_tokens ?? model.maxOutputTokens;
  const answer = limitText(wanted, limit, reasoningTokens(model, body.reasoning?.effort, prompt), []);
  const usage = billedUsage(
    prompt,
    useCache(body, model, prompt, call),
    answer.tokens,
    answer.reasoningTokens,
  );
  const service = serviceOf(body, call);
  const response = {
    id: derivedId("resp_", call.key, 48),
    object: "response",
    created_at: Math.floor(call.now / 1000),
    ...responseStatus(answer, call.now),
    background: false,
    error: null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    max_tool_calls: null,
    model: model.snapshot,
    output: responseOutput(answer, tool?.name, model, call),
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: model.reasoning
      ? { effort: body.reasoning?.effort ?? model.reasoning.defaultEffort, summary: null }
      : { effort: null, summary: null },
    service_tier: service === "flex" ? "flex" : "default",
    store: body.store ?? true,
    temperature: body.temperature ?? 1,
    text: { verbosity: "medium", ...body.text, format: body.text?.format ?? { type: "text" } },
    tool_choice: body.tool_choice ?? "auto",
    tools: body.tools ?? [],
    top_p: body.top_p ?? 1,
    truncation: "disabled",
    usage: responseUsage(usage),
    user: null,
    metadata: body.metadata ?? {},
  };
  return { kind: "answered", model, service, bodyJson: JSON.stringify(response), usage };
}

function responseStatus(answer: LimitedText, now: number): object {
  return answer.ending === "length"
    ? { status: "incomplete", completed_at: null, incomplete_details: { reason: "max_output_tokens" } }
    : { status: "completed", completed_at: Math.floor(now / 1000), incomplete_details: null };
}

function responseOutput(
  answer: LimitedText,
  tool: string | undefined,
  model: ModelFacts,
  call: Call,
): object[] {
  const status = answer.ending === "length" ? "incomplete" : "completed";
  const reasoning =
    model.reasoning && answer.reasoningTokens > 0
      ? [{ id: derivedId("rs_", call.key, 48), type: "reasoning", summary: [] }]
      : [];
  if (tool !== undefined) {
    const ids = { id: derivedId("fc_", call.key, 48), call_id: derivedId("call_", call.key, 24) };
    return [...reasoning, { ...ids, type: "function_call", name: tool, arguments: answer.text, status }];
  }
  const content = [{ type: "output_text", text: answer.text, annotations: [], logprobs: [] }];
  return [
    ...reasoning,
    { id: derivedId("msg_", call.key, 48), type: "message", status, role: "assistant", content },
  ];
}

function responseUsage(usage: BilledUsage): object {
  const input = promptTokens(usage);
  return {
    input_tokens: input,
    input_tokens_details: {
      cached_tokens: usage.cachedInputTokens,
      cache_write_tokens: usage.cacheWriteTokens,
    },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: input + usage.outputTokens,
  };
}

function forcedResponsesTool(body: ResponsesBody): { name: string; parameters: unknown } | undefined {
  const { tool_choice: choice } = body;
  if (choice === undefined || (typeof choice === "string" && choice !== "required")) return undefined;
  const wanted = typeof choice === "string" ? body.tools?.[0]?.name : choice.name;
  const chosen = body.tools?.find((tool) => tool.name === wanted);
  return chosen?.name === undefined
    ? undefined
    : { name: chosen.name, parameters: chosen.parameters ?? { type: "object" } };
}
