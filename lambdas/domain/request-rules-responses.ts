import { z } from "zod";
import {
  type EndpointRules,
  onlyValues,
  refusedTypes,
  requiredContent,
  storedReference,
} from "./request-rules-fields.ts";
import {
  cacheBreakpoint,
  customToolFields,
  droppedTextFields,
  FORCED_TEXT_FIELDS,
  functionFields,
  keptTextFields,
  schemaFields,
} from "./request-rules-openai.ts";

const UNPRICED_TOOL = "has no price here: the provider runs this tool and bills it apart";

const inputPart = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("input_text"),
    text: z.string(),
    prompt_cache_breakpoint: cacheBreakpoint,
  }),
  z.strictObject({
    type: z.literal("input_image"),
    image_url: z.string().nullish(),
    detail: z.string().optional(),
    file_id: storedReference,
    prompt_cache_breakpoint: cacheBreakpoint,
  }),
  z.strictObject({
    type: z.literal("input_file"),
    file_data: z.string().optional(),
    file_url: z.string().optional(),
    filename: z.string().optional(),
    detail: z.string().optional(),
    file_id: storedReference,
    prompt_cache_breakpoint: cacheBreakpoint,
  }),
  z.strictObject({
    type: z.literal("output_text"),
    text: z.string(),
    annotations: z
      .array(
        z.discriminatedUnion("type", [
          z.looseObject({ type: z.literal("url_citation") }),
          refusedTypes("stored_reference", "refers to a file stored at the provider", [
            "file_citation",
            "container_file_citation",
            "file_path",
          ]),
        ]),
      )
      .optional(),
    logprobs: z.array(z.unknown()).nullish(),
  }),
  z.strictObject({ type: z.literal("refusal"), refusal: z.string() }),
  refusedTypes("unpriced_feature", "has no price here: audio is billed by tokens of its own", [
    "input_audio",
  ]),
]);
const content = z.union([z.string(), z.array(inputPart)]);

const itemFields = { id: z.string().nullish(), status: z.string().nullish() };
const callFields = { ...itemFields, call_id: z.string() };

/** Items with their whole content. An `id` beside it is a name that earlier answers gave, not looked up. */
const inputItem = z.discriminatedUnion("type", [
  z.strictObject({
    ...itemFields,
    type: z.literal("message").optional(),
    role: z.enum(["user", "assistant", "system", "developer"]),
    content,
    phase: z.string().nullish(),
  }),
  z.strictObject({
    ...callFields,
    type: z.literal("function_call"),
    name: z.string(),
    arguments: z.string(),
  }),
  z.strictObject({ ...callFields, type: z.literal("function_call_output"), output: content }),
  z.strictObject({
    ...callFields,
    type: z.literal("custom_tool_call"),
    name: z.string(),
    input: z.string(),
  }),
  z.strictObject({ ...callFields, type: z.literal("custom_tool_call_output"), output: content }),
  z.strictObject({
    ...itemFields,
    type: z.literal("reasoning"),
    summary: z.array(z.unknown()),
    content: z.array(z.unknown()).nullish(),
    encrypted_content: requiredContent(
      "is needed: without it a reasoning item stands for one that is stored at the provider",
    ),
  }),
  refusedTypes("stored_reference", "refers to an item stored at the provider", ["item_reference"]),
  refusedTypes("unpriced_feature", UNPRICED_TOOL, [
    "file_search_call",
    "web_search_call",
    "code_interpreter_call",
    "computer_call",
    "computer_call_output",
    "image_generation_call",
    "mcp_list_tools",
    "mcp_approval_request",
    "mcp_approval_response",
    "mcp_call",
  ]),
]);

const tool = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("function"), ...functionFields }),
  z.strictObject({ type: z.literal("custom"), ...customToolFields }),
  refusedTypes("stored_reference", "searches files stored at the provider", ["file_search"]),
  refusedTypes("unpriced_feature", UNPRICED_TOOL, [
    "code_interpreter",
    "computer",
    "computer_use_preview",
    "image_generation",
    "mcp",
    "shell",
    "web_search",
    "web_search_2025_08_26",
    "web_search_preview",
    "web_search_preview_2025_03_11",
  ]),
]);

const textFormat = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal(["text", "json_object"]) }),
  z.strictObject({ type: z.literal("json_schema"), ...schemaFields }),
]);

const reasoning = z.strictObject({
  context: z.string().nullish(),
  effort: z.string().nullish(),
  generate_summary: z.string().nullish(),
  summary: z.string().nullish(),
  mode: onlyValues(["standard"], "unpriced_feature", "has no price for this mode"),
});

export const RESPONSES_RULES: EndpointRules = {
  kept: {
    ...keptTextFields,
    input: z.union([z.string(), z.array(inputItem).min(1)]),
    include: z
      .array(
        z.enum([
          "message.input_image.image_url",
          "message.output_text.logprobs",
          "reasoning.encrypted_content",
        ]),
      )
      .nullish(),
    instructions: z.string().nullish(),
    max_output_tokens: z.number().int().positive().nullish(),
    max_tool_calls: z.number().int().positive().nullish(),
    metadata: z.record(z.string(), z.string()).nullish(),
    reasoning: reasoning.nullish(),
    text: z.strictObject({ format: textFormat.optional(), verbosity: z.string().nullish() }).optional(),
    tools: z.array(tool).optional(),
    truncation: z.string().nullish(),
  },
  dropped: {
    ...droppedTextFields,
    background: onlyValues([false, null], "unsupported_field", "responses run in the background are stored"),
    conversation: storedReference,
    previous_response_id: storedReference,
    prompt: storedReference,
  },
  forced: FORCED_TEXT_FIELDS,
};
