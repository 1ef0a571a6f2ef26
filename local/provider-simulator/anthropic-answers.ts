import { answerText, summarize } from "./answer-text.ts";
import { checkAnthropicRequest, type MessagesBody } from "./anthropic-request-rules.ts";
import { billedUsage, type Call, type Execution, limitText, type LimitedText } from "./execution.ts";
import type { BilledUsage } from "./invoice.ts";
import { type CacheLifetime, countPromptTokens, type Prompt, PromptBuilder } from "./prompt.ts";
import { anthropicRefusal } from "./provider-errors.ts";
import { answerForNamedFields, answerForSchema } from "./schema-answer.ts";
import { derivedId } from "./seeded-random.ts";
import { countTokens } from "./token-count.ts";

/** Answers one Messages request, or refuses it. Bills nothing: that is the caller's. */
export function executeAnthropic(input: unknown, call: Call): Execution {
  const checked = checkAnthropicRequest(input);
  if (checked.kind === "refused") return checked;
  const { body, model } = checked.request;
  const prompt = messagesPrompt(body);
  const tokens = countPromptTokens(prompt);
  if (tokens > model.contextTokens) {
    const message = `prompt is too long: ${tokens} tokens > ${model.contextTokens} maximum`;
    return { kind: "refused", refusal: anthropicRefusal(message) };
  }
  const thought = body.thinking?.type === "enabled" ? summarize(prompt.conversation, 1) : null;
  const tool = forcedTool(body);
  const answer = limitText(
    tool
      ? JSON.stringify(answerForSchema(tool.input_schema, prompt.conversation))
      : messageText(body, prompt),
    body.max_tokens,
    thought === null ? 0 : countTokens(thought),
    body.stop_sequences ?? [],
  );
  const cacheUse = call.cache.useBreakpoints(
    `${call.account}|${model.id}`,
    prompt.segments,
    model.minimumCacheTokens,
  );
  const usage = billedUsage(prompt, cacheUse, answer.tokens, answer.reasoningTokens);
  const message = {
    id: derivedId("msg_01", call.key, 22),
    type: "message",
    role: "assistant",
    model: model.snapshot,
    content: contentBlocks(answer, thought, tool?.name, call.key),
    stop_reason: stopReason(answer, tool !== undefined),
    stop_sequence: answer.stopSequence,
    stop_details: null,
    container: null,
    diagnostics: null,
    usage: messageUsage(usage, call, thought !== null),
  };
  return { kind: "answered", model, service: call.service, bodyJson: JSON.stringify(message), usage };
}

function messageText(body: MessagesBody, prompt: Prompt): string {
  const text = prompt.conversation || prompt.instructions;
  const schema = body.output_config?.format?.schema;
  if (schema) return JSON.stringify(answerForSchema(schema, text));
  const instructions = prompt.instructions || prompt.conversation;
  if (/\bJSON\b/.test(instructions)) return JSON.stringify(answerForNamedFields(instructions, text));
  return answerText(prompt.instructions, prompt.conversation);
}

function forcedTool(body: MessagesBody) {
  const choice = body.tool_choice;
  if (choice?.type === "any") return body.tools?.[0];
  return choice?.type === "tool" ? body.tools?.find((each) => each.name === choice.name) : undefined;
}

function contentBlocks(
  answer: LimitedText,
  thought: string | null,
  tool: string | undefined,
  key: string,
): object[] {
  const thinking =
    thought === null ? [] : [{ type: "thinking", thinking: thought, signature: derivedId("sig", key, 40) }];
  if (tool === undefined) return [...thinking, { type: "text", text: answer.text, citations: null }];
  // A tool call cut short by max_tokens has no whole input; the API then gives the part it can parse: here, none.
  const input: unknown = answer.ending === "complete" ? JSON.parse(answer.text) : {};
  const use = {
    type: "tool_use",
    id: derivedId("toolu_01", key, 22),
    name: tool,
    input,
    caller: { type: "direct" },
  };
  return [...thinking, use];
}

function stopReason(answer: LimitedText, isToolUse: boolean): string {
  if (answer.ending === "length") return "max_tokens";
  if (answer.ending === "stop_sequence") return "stop_sequence";
  return isToolUse ? "tool_use" : "end_turn";
}

function messageUsage(usage: BilledUsage, call: Call, thinks: boolean): object {
  return {
    input_tokens: usage.inputTokens,
    cache_creation_input_tokens: usage.cacheWriteTokens + usage.longCacheWriteTokens,
    cache_read_input_tokens: usage.cachedInputTokens,
    cache_creation: {
      ephemeral_5m_input_tokens: usage.cacheWriteTokens,
      ephemeral_1h_input_tokens: usage.longCacheWriteTokens,
    },
    output_tokens: usage.outputTokens,
    output_tokens_details: thinks ? { thinking_tokens: usage.reasoningTokens } : null,
    server_tool_use: null,
    service_tier: call.service === "batch" ? "batch" : "standard",
    inference_geo: null,
    speed: null,
  };
}

/** Tools, system, messages: the order in which Anthropic caches a prompt. */
function messagesPrompt(body: MessagesBody): Prompt {
  const builder = new PromptBuilder();
  for (const tool of body.tools ?? []) {
    builder.addOverhead(
      JSON.stringify({ ...tool, cache_control: undefined }),
      lifetimeOf(tool.cache_control),
    );
  }
  if (body.output_config?.format) builder.addOverhead(JSON.stringify(body.output_config.format.schema));
  if (typeof body.system === "string") builder.addText("system", body.system);
  else
    for (const block of body.system ?? [])
      builder.addText("system", block.text, lifetimeOf(block.cache_control));
  for (const { role, content } of body.messages) {
    if (typeof content === "string") builder.addText(role, content);
    else {
      for (const block of content) {
        const lifetime = lifetimeOf(block.cache_control);
        if (block.text === undefined)
          builder.addOverhead(JSON.stringify({ ...block, cache_control: undefined }), lifetime);
        else builder.addText(role, block.text, lifetime);
      }
    }
  }
  if (body.cache_control) builder.addFinalBreakpoint(body.cache_control.ttl ?? "5m");
  return builder.build();
}

function lifetimeOf(control: { ttl?: "5m" | "1h" | undefined } | null | undefined): CacheLifetime | null {
  return control ? (control.ttl ?? "5m") : null;
}
