import { z } from "zod";

const effort = z.enum(["none", "minimal", "low", "medium", "high", "xhigh"]).nullish();
const serviceTier = z.enum(["auto", "default", "flex", "scale", "priority", "fast"]).nullish();
const lifetime = z.enum(["30m", "12h"]).optional();
const cacheOptions = z.looseObject({ mode: z.enum(["implicit", "explicit"]).optional(), ttl: lifetime });
const breakpoint = z.looseObject({ ttl: lifetime }).optional();
const contentPart = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  prompt_cache_breakpoint: breakpoint,
});
const jsonSchemaFormat = z.looseObject({ name: z.string(), schema: z.record(z.string(), z.unknown()) });
const metadata = z.record(z.string().max(64), z.string().max(512)).nullish();

/** Fields of both text endpoints that the simulator accepts; `known` ones it does not act on. */
const sharedFields = {
  model: z.string(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  service_tier: serviceTier,
  store: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  metadata,
  prompt_cache_options: cacheOptions.optional(),
  prompt_cache_retention: z.enum(["in_memory", "24h"]).nullish(),
  ...knownFields(
    "moderation parallel_tool_calls prompt_cache_key safety_identifier stream_options top_logprobs user",
  ),
};

const chatTool = z.looseObject({
  type: z.string(),
  function: z
    .looseObject({ name: z.string(), parameters: z.record(z.string(), z.unknown()).optional() })
    .optional(),
});
export const chatBody = z.strictObject({
  ...sharedFields,
  messages: z
    .array(
      z.looseObject({
        role: z.enum(["system", "developer", "user", "assistant", "tool", "function"]),
        content: z.union([z.string(), z.array(contentPart)]).nullish(),
      }),
    )
    .min(1),
  max_tokens: z.int().positive().nullish(),
  max_completion_tokens: z.int().positive().nullish(),
  n: z.int().min(1).max(128).nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(4)]).nullish(),
  reasoning_effort: effort,
  response_format: z
    .looseObject({
      type: z.enum(["text", "json_object", "json_schema"]),
      json_schema: jsonSchemaFormat.optional(),
    })
    .optional(),
  tools: z.array(chatTool).optional(),
  tool_choice: z
    .union([z.string(), z.looseObject({ function: z.looseObject({ name: z.string() }) })])
    .optional(),
  ...knownFields(
    "audio frequency_penalty function_call functions logit_bias logprobs modalities prediction presence_penalty",
  ),
  ...knownFields("seed verbosity web_search_options"),
});
export type ChatBody = z.infer<typeof chatBody>;

const responsesTool = z.looseObject({
  type: z.string(),
  name: z.string().optional(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
});
export const responsesBody = z.strictObject({
  ...sharedFields,
  input: z.union([
    z.string(),
    z.array(
      z.looseObject({
        role: z.string().optional(),
        content: z.union([z.string(), z.array(contentPart)]).optional(),
      }),
    ),
  ]),
  instructions: z.string().nullish(),
  max_output_tokens: z.int().min(16).nullish(),
  previous_response_id: z.string().nullish(),
  reasoning: z.looseObject({ effort }).nullish(),
  text: z
    .looseObject({
      format: z
        .looseObject({
          type: z.enum(["text", "json_object", "json_schema"]),
          name: z.string().optional(),
          schema: z.record(z.string(), z.unknown()).optional(),
        })
        .optional(),
    })
    .optional(),
  tools: z.array(responsesTool).optional(),
  tool_choice: z
    .union([z.string(), z.looseObject({ type: z.string(), name: z.string().optional() })])
    .optional(),
  ...knownFields(
    "access_programs background context_management conversation image include max_tool_calls prompt",
  ),
  ...knownFields("truncation"),
});
export type ResponsesBody = z.infer<typeof responsesBody>;

const tokenArray = z.array(z.int().nonnegative()).min(1);
export const embeddingsBody = z.strictObject({
  model: z.string(),
  input: z.union([
    z.string().min(1),
    tokenArray,
    z
      .array(z.union([z.string().min(1), tokenArray]))
      .min(1)
      .max(2048),
  ]),
  dimensions: z.int().positive().optional(),
  encoding_format: z.enum(["float", "base64"]).optional(),
  user: z.unknown().optional(),
});
export type EmbeddingsBody = z.infer<typeof embeddingsBody>;

/** Fields that are let through unread; their type is left out on purpose. */
function knownFields(names: string): object {
  return Object.fromEntries(names.split(" ").map((name) => [name, z.unknown().optional()]));
}
