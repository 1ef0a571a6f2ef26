import * as fc from "fast-check";
import type { RefusalCode } from "../../../lambdas/domain/request-rules-fields.ts";
import type { Endpoint } from "../../../lambdas/domain/vocabulary.ts";

type Body = Record<string, unknown>;

const text = fc.string({ minLength: 1 });
/** A JSON Schema whose property names look like what is refused elsewhere: there they are the caller's own words. */
const schema = fc
  .dictionary(
    fc.constantFrom("file_id", "container", "stream", "conversation", "a"),
    fc.constant({ type: "string" }),
  )
  .map((properties) => ({ type: "object", properties, vector_store_ids: ["free"] }));

const chatPart = fc.oneof(
  text.map((value) => ({ type: "text", text: value })),
  text.map((url) => ({
    type: "image_url",
    image_url: { url: `https://example.com/${encodeURIComponent(url)}`, detail: "low" },
  })),
  fc.constant({
    type: "file",
    file: { filename: "a.pdf", file_data: "data:application/pdf;base64,AA==", file_id: null },
  }),
);
const chatMessage = fc.oneof(
  fc.record({
    role: fc.constantFrom("system", "developer", "user"),
    content: fc.oneof(text, fc.array(chatPart)),
  }),
  fc.record({
    role: fc.constant("assistant"),
    content: fc.option(text),
    refusal: fc.constant(null),
    tool_calls: fc.constant([
      { id: "c", type: "function", function: { name: "f", arguments: '{"file_id":1}' } },
    ]),
  }),
  fc.record({ role: fc.constant("tool"), content: text, tool_call_id: fc.constant("c") }),
);
const chatBody = fc.record(
  {
    model: fc.constant("gpt-5-nano"),
    messages: fc.array(chatMessage, { minLength: 1, maxLength: 4 }),
    tools: fc.array(
      schema.map((parameters) => ({ type: "function", function: { name: "f", parameters, strict: true } })),
    ),
    tool_choice: fc.constantFrom("auto", { type: "function", function: { name: "f" } }),
    response_format: schema.map((inner) => ({
      type: "json_schema",
      json_schema: { name: "s", schema: inner },
    })),
    modalities: fc.constant(["text"]),
    n: fc.integer({ min: 1, max: 4 }),
    max_completion_tokens: fc.integer({ min: 1, max: 1000 }),
    temperature: fc.option(fc.constant(1)),
    stop: fc.constantFrom("x", ["x", "y"], null),
    metadata: fc.constant({ file_id: "free" }),
    store: fc.option(fc.boolean()),
    stream: fc.constantFrom(false, null),
    service_tier: fc.constantFrom("auto", "default", null),
  },
  { requiredKeys: ["model", "messages"] },
);

const inputPart = fc.oneof(
  text.map((value) => ({ type: "input_text", text: value })),
  fc.constant({ type: "input_image", image_url: "https://example.com/a.png", file_id: null, detail: "auto" }),
  fc.constant({ type: "input_file", file_url: "https://example.com/a.pdf" }),
);
const inputItem = fc.oneof(
  fc.record({ role: fc.constantFrom("user", "system"), content: fc.oneof(text, fc.array(inputPart)) }),
  fc.constant({
    type: "message",
    id: "msg_1",
    role: "assistant",
    status: "completed",
    content: [
      {
        type: "output_text",
        text: "Hi",
        annotations: [{ type: "url_citation", url: "https://example.com" }],
      },
    ],
  }),
  fc.constant({ type: "reasoning", id: "rs_1", summary: [], encrypted_content: "opaque" }),
  fc.constant({ type: "function_call", call_id: "c", name: "f", arguments: "{}" }),
  fc.constant({ type: "function_call_output", call_id: "c", output: [{ type: "input_text", text: "4" }] }),
);
const responsesBody = fc.record(
  {
    model: fc.constant("gpt-6-luna"),
    input: fc.oneof(text, fc.array(inputItem, { minLength: 1, maxLength: 4 })),
    instructions: text,
    include: fc.constant(["reasoning.encrypted_content"]),
    tools: fc.array(schema.map((parameters) => ({ type: "function", name: "f", parameters, strict: null }))),
    text: schema.map((inner) => ({
      format: { type: "json_schema", name: "s", schema: inner },
      verbosity: "low",
    })),
    reasoning: fc.constant({ effort: "low", summary: "auto", mode: "standard" }),
    metadata: fc.constant({ conversation: "free" }),
    max_output_tokens: fc.integer({ min: 16, max: 1000 }),
    prompt_cache_options: fc.constant({ mode: "implicit", ttl: "30m" }),
    background: fc.constant(false),
    conversation: fc.constant(null),
    store: fc.boolean(),
  },
  { requiredKeys: ["model", "input"] },
);

const embeddingsBody = fc.record(
  {
    model: fc.constant("text-embedding-3-small"),
    input: fc.oneof(text, fc.array(text, { minLength: 1 }), fc.array(fc.nat(), { minLength: 1 })),
    dimensions: fc.constant(256),
    encoding_format: fc.constantFrom("float", "base64"),
    user: text,
  },
  { requiredKeys: ["model", "input"] },
);

const block = fc.oneof(
  text.map((value) => ({ type: "text", text: value, cache_control: { type: "ephemeral", ttl: "1h" } })),
  fc.constant({ type: "image", source: { type: "url", url: "https://example.com/a.png" } }),
  fc.constant({
    type: "document",
    source: { type: "text", media_type: "text/plain", data: "x" },
    title: "t",
  }),
  fc.constant({
    type: "tool_use",
    id: "t",
    name: "f",
    input: { file_id: "free" },
    caller: { type: "direct" },
  }),
  fc.constant({ type: "tool_result", tool_use_id: "t", content: [{ type: "text", text: "4" }] }),
  fc.constant({ type: "thinking", thinking: "hm", signature: "s" }),
);
const messagesBody = fc.record(
  {
    model: fc.constant("claude-haiku-4-5"),
    max_tokens: fc.integer({ min: 1, max: 1000 }),
    messages: fc.array(
      fc.record({ role: fc.constantFrom("user", "assistant"), content: fc.oneof(text, fc.array(block)) }),
      { minLength: 1, maxLength: 4 },
    ),
    system: fc.oneof(
      text,
      fc.constant([{ type: "text", text: "Be brief", cache_control: { type: "ephemeral" } }]),
    ),
    tools: fc.array(
      fc.oneof(
        schema.map((input_schema) => ({ name: "f", input_schema })),
        fc.constant({ type: "bash_20250124", name: "bash" }),
      ),
    ),
    output_config: schema.map((inner) => ({ format: { type: "json_schema", schema: inner } })),
    metadata: fc.constant({ user_id: "u-1" }),
    thinking: fc.constant({ type: "enabled", budget_tokens: 1024 }),
    service_tier: fc.constantFrom("auto", "standard_only"),
    inference_geo: fc.constant(null),
    container: fc.constant(null),
  },
  { requiredKeys: ["model", "max_tokens", "messages"] },
);

/** Bodies that the endpoint accepts here. */
export function bodiesOf(endpoint: Endpoint): fc.Arbitrary<Body> {
  const bodies: Record<Endpoint, fc.Arbitrary<Body>> = {
    "/v1/chat/completions": chatBody,
    "/v1/responses": responsesBody,
    "/v1/embeddings": embeddingsBody,
    "/v1/messages": messagesBody,
  };
  return bodies[endpoint];
}

type Forbidden = { readonly code: RefusalCode; readonly into: (body: Body) => Body };

function field(code: RefusalCode, fields: Body): Forbidden {
  return { code, into: (body) => ({ ...body, ...fields }) };
}

/** Appends to an array field, which may be missing. */
function added(code: RefusalCode, name: string, item: object): Forbidden {
  return {
    code,
    into: (body) => {
      const items: unknown = body[name];
      return { ...body, [name]: [...(Array.isArray(items) ? items : []), item] };
    },
  };
}

function part(code: RefusalCode, name: string, content: object): Forbidden {
  return added(code, name, {
    role: "user",
    content: [{ type: name === "input" ? "input_text" : "text", text: "see" }, content],
  });
}

/** What each endpoint must refuse, put into any of its bodies. */
export const FORBIDDEN: Readonly<Record<Endpoint, readonly Forbidden[]>> = {
  "/v1/chat/completions": [
    part("stored_reference", "messages", { type: "file", file: { file_id: "file-1" } }),
    added("stored_reference", "messages", { role: "assistant", content: null, audio: { id: "audio_1" } }),
    part("unpriced_feature", "messages", { type: "input_audio", input_audio: { data: "", format: "wav" } }),
    part("unpriced_feature", "messages", {
      type: "text",
      text: "x",
      prompt_cache_breakpoint: { mode: "explicit", ttl: "12h" },
    }),
    field("unpriced_feature", { audio: { voice: "alloy", format: "wav" } }),
    field("unpriced_feature", { modalities: ["text", "audio"] }),
    field("unpriced_feature", { web_search_options: {} }),
    field("unpriced_feature", { service_tier: "priority" }),
    field("unpriced_feature", { service_tier: "flex" }),
    field("unpriced_feature", { prompt_cache_options: { ttl: "12h" } }),
    field("streaming", { stream: true }),
    field("streaming", { stream_options: { include_usage: true } }),
    added("unsupported_field", "tools", { type: "teleport" }),
  ],
  "/v1/responses": [
    field("stored_reference", { previous_response_id: "resp_1" }),
    field("stored_reference", { conversation: "conv_1" }),
    field("stored_reference", { conversation: { id: "conv_1" } }),
    field("stored_reference", { prompt: { id: "pmpt_1" } }),
    field("stored_reference", { prompt_cache_options: { comparison_response_id: "resp_1" } }),
    added("stored_reference", "tools", { type: "file_search", vector_store_ids: ["vs_1"] }),
    added("stored_reference", "input", { type: "item_reference", id: "msg_1" }),
    added("stored_reference", "input", { type: "reasoning", id: "rs_1", summary: [] }),
    added("stored_reference", "input", {
      type: "function_call_output",
      call_id: "c",
      output: [{ type: "input_image", file_id: "file-1" }],
    }),
    part("stored_reference", "input", { type: "input_image", file_id: "file-1" }),
    part("stored_reference", "input", { type: "input_file", file_id: "file-1" }),
    part("stored_reference", "input", {
      type: "output_text",
      text: "x",
      annotations: [{ type: "file_citation", file_id: "f" }],
    }),
    added("unpriced_feature", "tools", { type: "code_interpreter", container: { type: "auto" } }),
    added("unpriced_feature", "tools", { type: "code_interpreter", container: "cntr_1" }),
    added("unpriced_feature", "tools", { type: "web_search" }),
    added("unpriced_feature", "tools", { type: "mcp", server_label: "s", server_url: "https://example.com" }),
    added("unpriced_feature", "tools", { type: "image_generation" }),
    added("unpriced_feature", "tools", { type: "computer_use_preview" }),
    added("unpriced_feature", "input", { type: "image_generation_call", id: "ig_1" }),
    field("unpriced_feature", { service_tier: "flex" }),
    field("unpriced_feature", { reasoning: { mode: "pro" } }),
    field("unsupported_field", { background: true }),
    field("streaming", { stream: true }),
  ],
  "/v1/embeddings": [
    field("unsupported_field", { stream: true }),
    field("unsupported_field", { file_id: "file-1" }),
  ],
  "/v1/messages": [
    part("stored_reference", "messages", { type: "image", source: { type: "file", file_id: "file_1" } }),
    part("stored_reference", "messages", { type: "document", source: { type: "file", file_id: "file_1" } }),
    part("stored_reference", "messages", { type: "container_upload", file_id: "file_1" }),
    part("stored_reference", "messages", {
      type: "tool_result",
      tool_use_id: "t",
      content: [{ type: "image", source: { type: "file", file_id: "file_1" } }],
    }),
    part("stored_reference", "messages", {
      type: "document",
      source: { type: "content", content: [{ type: "image", source: { type: "file", file_id: "file_1" } }] },
    }),
    field("stored_reference", { container: "container_1" }),
    field("stored_reference", { container: { skills: [{ skill_id: "s", type: "custom" }] } }),
    field("stored_reference", { diagnostics: { previous_message_id: "msg_1" } }),
    field("unpriced_feature", { mcp_servers: [{ type: "url", url: "https://example.com" }] }),
    field("unpriced_feature", { inference_geo: "us" }),
    field("unpriced_feature", { speed: "fast" }),
    field("unpriced_feature", { service_tier: "priority" }),
    added("unpriced_feature", "tools", { type: "web_search_20250305", name: "web_search" }),
    added("unpriced_feature", "tools", { type: "web_fetch_20250910", name: "web_fetch" }),
    added("unpriced_feature", "tools", { type: "code_execution_20250825", name: "code_execution" }),
    added("unpriced_feature", "tools", {
      name: "f",
      input_schema: {},
      allowed_callers: ["code_execution_20250825"],
    }),
    added("unsupported_field", "tools", { type: "web_search_20991231", name: "web_search" }),
    field("streaming", { stream: true }),
  ],
};
