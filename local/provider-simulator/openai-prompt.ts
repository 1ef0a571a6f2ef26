import type { ChatBody, ResponsesBody } from "./openai-body-schemas.ts";
import { type CacheLifetime, type Prompt, PromptBuilder } from "./prompt.ts";

interface ContentPart {
  readonly text?: string | undefined;
  readonly prompt_cache_breakpoint?: { readonly ttl?: "30m" | "12h" | undefined } | undefined;
}
type Content = string | readonly ContentPart[] | null | undefined;

/** Tools and schema first, then the messages: the order in which OpenAI caches a prompt. */
export function chatPrompt(body: ChatBody): Prompt {
  const builder = new PromptBuilder();
  if (body.tools) builder.addOverhead(JSON.stringify(body.tools));
  if (body.response_format?.json_schema)
    builder.addOverhead(JSON.stringify(body.response_format.json_schema));
  const lifetime = body.prompt_cache_options?.ttl ?? "30m";
  for (const message of body.messages) addContent(builder, message.role, message.content, lifetime);
  return builder.build();
}

export function responsesPrompt(body: ResponsesBody): Prompt {
  const builder = new PromptBuilder();
  if (body.tools) builder.addOverhead(JSON.stringify(body.tools));
  if (body.text?.format?.schema) builder.addOverhead(JSON.stringify(body.text.format.schema));
  if (body.instructions) builder.addText("system", body.instructions);
  if (typeof body.input === "string") {
    builder.addText("user", body.input);
    return builder.build();
  }
  const lifetime = body.prompt_cache_options?.ttl ?? "30m";
  for (const item of body.input) {
    if (item.content === undefined) builder.addOverhead(JSON.stringify(item));
    else addContent(builder, item.role ?? "user", item.content, lifetime);
  }
  return builder.build();
}

function addContent(builder: PromptBuilder, role: string, content: Content, lifetime: CacheLifetime): void {
  if (typeof content === "string") {
    builder.addText(role, content);
    return;
  }
  for (const part of content ?? []) {
    const marked = part.prompt_cache_breakpoint;
    const breakpoint = marked ? (marked.ttl ?? lifetime) : null;
    if (part.text === undefined) builder.addOverhead(JSON.stringify(part), breakpoint);
    else builder.addText(role, part.text, breakpoint);
  }
}
