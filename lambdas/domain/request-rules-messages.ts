import { z } from "zod";
import {
  type EndpointRules,
  freeForm,
  onlyValues,
  refusedField,
  refusedTypes,
  storedReference,
  streamField,
} from "./request-rules-fields.ts";

const STORED_FILE = "refers to a file stored at the provider, which is shared by all tenants";
const UNPRICED_TOOL = "has no price here: the provider runs this tool and bills it apart";

const cacheControl = z
  .strictObject({ type: z.literal("ephemeral"), ttl: z.enum(["5m", "1h"]).optional() })
  .nullish();
const citationsConfig = z.strictObject({ enabled: z.boolean().optional() }).nullish();

const textBlock = z.strictObject({
  type: z.literal("text"),
  text: z.string(),
  cache_control: cacheControl,
  citations: z.array(z.looseObject({ type: z.string(), file_id: storedReference })).nullish(),
});

const urlSource = z.strictObject({ type: z.literal("url"), url: z.string() });
const inlineSource = z.strictObject({ type: z.literal("base64"), media_type: z.string(), data: z.string() });
const fileSource = refusedTypes("stored_reference", STORED_FILE, ["file"]);

/** Images and documents may be addressed by URL: the provider fetches what the tenant names and stores nothing. */
const imageBlock = z.strictObject({
  type: z.literal("image"),
  source: z.discriminatedUnion("type", [inlineSource, urlSource, fileSource]),
  cache_control: cacheControl,
  transformations: z.strictObject({ oversized_image: z.string().optional() }).nullish(),
});

const documentBlock = z.strictObject({
  type: z.literal("document"),
  source: z.discriminatedUnion("type", [
    inlineSource,
    urlSource,
    fileSource,
    z.strictObject({ type: z.literal("text"), media_type: z.string(), data: z.string() }),
    z.strictObject({
      type: z.literal("content"),
      content: z.union([z.string(), z.array(z.discriminatedUnion("type", [textBlock, imageBlock]))]),
    }),
  ]),
  cache_control: cacheControl,
  citations: citationsConfig,
  context: z.string().nullish(),
  title: z.string().nullish(),
});

const searchResultBlock = z.strictObject({
  type: z.literal("search_result"),
  content: z.array(textBlock),
  source: z.string(),
  title: z.string(),
  cache_control: cacheControl,
  citations: citationsConfig,
});

const storedBlock = refusedTypes("stored_reference", STORED_FILE, ["container_upload"]);
const serverToolBlock = refusedTypes("unpriced_feature", UNPRICED_TOOL, [
  "server_tool_use",
  "web_search_tool_result",
  "web_fetch_tool_result",
  "code_execution_tool_result",
  "bash_code_execution_tool_result",
  "text_editor_code_execution_tool_result",
  "mcp_tool_use",
  "mcp_tool_result",
]);

const toolResultPart = z.discriminatedUnion("type", [
  textBlock,
  imageBlock,
  documentBlock,
  searchResultBlock,
  storedBlock,
]);

const contentBlock = z.discriminatedUnion("type", [
  textBlock,
  imageBlock,
  documentBlock,
  searchResultBlock,
  z.strictObject({ type: z.literal("thinking"), thinking: z.string(), signature: z.string() }),
  z.strictObject({ type: z.literal("redacted_thinking"), data: z.string() }),
  z.strictObject({
    type: z.literal("tool_use"),
    id: z.string(),
    name: z.string(),
    input: z.unknown(),
    cache_control: cacheControl,
    caller: z.strictObject({ type: onlyValues(["direct"], "unpriced_feature", UNPRICED_TOOL) }).optional(),
  }),
  z.strictObject({
    type: z.literal("tool_result"),
    tool_use_id: z.string(),
    content: z.union([z.string(), z.array(toolResultPart)]).optional(),
    is_error: z.boolean().optional(),
    cache_control: cacheControl,
  }),
  storedBlock,
  serverToolBlock,
]);

const message = z.strictObject({
  role: z.enum(["user", "assistant", "system"]),
  content: z.union([z.string(), z.array(contentBlock)]),
});

const toolFields = {
  name: z.string(),
  allowed_callers: z.array(onlyValues(["direct"], "unpriced_feature", UNPRICED_TOOL)).optional(),
  cache_control: cacheControl,
  defer_loading: z.boolean().optional(),
  input_examples: z.array(freeForm).optional(),
  strict: z.boolean().optional(),
};

/** Tools that the caller runs. Those that Anthropic runs are refused: the dated ones known today, and all unknown. */
const tool = z.discriminatedUnion("type", [
  z.strictObject({
    ...toolFields,
    type: z.literal("custom").nullish(),
    description: z.string().optional(),
    input_schema: freeForm,
    eager_input_streaming: z.boolean().nullish(),
  }),
  z.strictObject({
    ...toolFields,
    type: z.literal([
      "bash_20250124",
      "memory_20250818",
      "text_editor_20250124",
      "text_editor_20250429",
      "text_editor_20250728",
    ]),
    max_characters: z.number().int().nullish(),
  }),
  refusedTypes("unpriced_feature", UNPRICED_TOOL, [
    "code_execution_20250522",
    "code_execution_20250825",
    "code_execution_20260120",
    "code_execution_20260521",
    "web_fetch_20250910",
    "web_fetch_20260209",
    "web_fetch_20260309",
    "web_fetch_20260318",
    "web_search_20250305",
    "web_search_20260209",
    "web_search_20260318",
  ]),
]);

export const MESSAGES_RULES: EndpointRules = {
  kept: {
    model: z.string().min(1),
    max_tokens: z.number().int().positive(),
    messages: z.array(message).min(1),
    cache_control: cacheControl,
    metadata: z.strictObject({ user_id: z.string().nullish() }).optional(),
    output_config: z
      .strictObject({
        effort: z.string().nullish(),
        format: z.strictObject({ type: z.literal("json_schema"), schema: freeForm }).nullish(),
      })
      .optional(),
    stop_sequences: z.array(z.string()).optional(),
    system: z.union([z.string(), z.array(textBlock)]).optional(),
    // No longer in the SDK's types, but what the older models still take.
    temperature: z.number().optional(),
    top_k: z.number().int().optional(),
    top_p: z.number().optional(),
    thinking: z
      .strictObject({
        type: z.string(),
        budget_tokens: z.number().int().positive().optional(),
        display: z.string().nullish(),
      })
      .optional(),
    tool_choice: z
      .strictObject({
        type: z.string(),
        name: z.string().optional(),
        disable_parallel_tool_use: z.boolean().optional(),
      })
      .optional(),
    tools: z.array(tool).optional(),
  },
  dropped: {
    stream: streamField,
    service_tier: onlyValues(
      ["auto", "standard_only", null],
      "unpriced_feature",
      "the gateway chooses the service tier; only auto and standard_only are accepted",
    ),
    speed: onlyValues(["standard", null], "unpriced_feature", "has no price here"),
    inference_geo: refusedField(
      "unpriced_feature",
      "has no price here: inference in one region is billed higher",
    ),
    mcp_servers: refusedField("unpriced_feature", UNPRICED_TOOL),
    container: storedReference,
    diagnostics: storedReference,
    user_profile_id: storedReference,
  },
  forced: {},
};
