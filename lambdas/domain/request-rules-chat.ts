import { z } from "zod";
import {
  type EndpointRules,
  freeForm,
  onlyValues,
  refusedField,
  refusedTypes,
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

const UNPRICED_AUDIO = "has no price here: audio is billed by tokens of its own";

/** Images may be addressed by URL: the provider fetches what the tenant names and stores nothing. */
const contentPart = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text"), text: z.string(), prompt_cache_breakpoint: cacheBreakpoint }),
  z.strictObject({
    type: z.literal("image_url"),
    image_url: z.strictObject({ url: z.string(), detail: z.string().optional() }),
    prompt_cache_breakpoint: cacheBreakpoint,
  }),
  z.strictObject({
    type: z.literal("file"),
    file: z.strictObject({
      file_data: z.string().optional(),
      filename: z.string().optional(),
      file_id: storedReference,
    }),
    prompt_cache_breakpoint: cacheBreakpoint,
  }),
  z.strictObject({ type: z.literal("refusal"), refusal: z.string() }),
  refusedTypes("unpriced_feature", UNPRICED_AUDIO, ["input_audio"]),
]);
const content = z.union([z.string(), z.array(contentPart)]);

const calledFunction = z.strictObject({ name: z.string(), arguments: z.string() });
const toolCall = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("function"), id: z.string(), function: calledFunction }),
  z.strictObject({
    type: z.literal("custom"),
    id: z.string(),
    custom: z.strictObject({ name: z.string(), input: z.string() }),
  }),
]);

const message = z.discriminatedUnion("role", [
  z.strictObject({
    role: z.literal(["developer", "system", "user"]),
    content,
    name: z.string().optional(),
  }),
  z.strictObject({
    role: z.literal("assistant"),
    content: content.nullish(),
    name: z.string().optional(),
    refusal: z.string().nullish(),
    // Answers carry it, and callers send answers back as they got them.
    annotations: z.array(z.unknown()).nullish(),
    audio: storedReference,
    function_call: calledFunction.nullish(),
    tool_calls: z.array(toolCall).nullish(),
  }),
  z.strictObject({ role: z.literal("tool"), content, tool_call_id: z.string() }),
  z.strictObject({ role: z.literal("function"), content: z.string().nullable(), name: z.string() }),
]);

const tool = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("function"), function: z.strictObject(functionFields) }),
  z.strictObject({ type: z.literal("custom"), custom: z.strictObject(customToolFields) }),
]);

const responseFormat = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal(["text", "json_object"]) }),
  z.strictObject({ type: z.literal("json_schema"), json_schema: z.strictObject(schemaFields) }),
]);

const textModality = onlyValues(["text"], "unpriced_feature", UNPRICED_AUDIO);

export const CHAT_RULES: EndpointRules = {
  kept: {
    ...keptTextFields,
    messages: z.array(message).min(1),
    frequency_penalty: z.number().nullish(),
    function_call: z.union([z.string(), z.strictObject({ name: z.string() })]).optional(),
    functions: z.array(z.strictObject(functionFields)).optional(),
    logit_bias: z.record(z.string(), z.number()).nullish(),
    logprobs: z.boolean().nullish(),
    max_completion_tokens: z.number().int().positive().nullish(),
    max_tokens: z.number().int().positive().nullish(),
    modalities: z.array(textModality).nullish(),
    n: z.number().int().positive().nullish(),
    prediction: z.strictObject({ type: z.literal("content"), content }).nullish(),
    presence_penalty: z.number().nullish(),
    reasoning_effort: z.string().nullish(),
    response_format: responseFormat.optional(),
    seed: z.number().int().nullish(),
    stop: z.union([z.string(), z.array(z.string())]).nullish(),
    tools: z.array(tool).optional(),
    verbosity: z.string().nullish(),
  },
  dropped: {
    ...droppedTextFields,
    // The endpoint takes metadata only for completions that it stores.
    metadata: freeForm.nullish(),
    audio: refusedField("unpriced_feature", UNPRICED_AUDIO),
    web_search_options: refusedField(
      "unpriced_feature",
      "has no price here: searches are billed by the call",
    ),
  },
  forced: FORCED_TEXT_FIELDS,
};
