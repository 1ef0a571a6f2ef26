import { z } from "zod";
import {
  freeForm,
  onlyValues,
  refusedField,
  storedReference,
  streamField,
  streamOptionsField,
} from "./request-rules-fields.ts";

/** The one lifetime of OpenAI's prompt cache that the price table knows; longer ones bill writes apart. */
const shortLifetime = onlyValues(["30m"], "unpriced_feature", "has no price for this cache lifetime");

export const cacheBreakpoint = z.strictObject({ mode: z.literal("explicit"), ttl: shortLifetime }).optional();

const cacheOptions = z.strictObject({
  mode: z.enum(["implicit", "explicit"]).optional(),
  ttl: shortLifetime,
  comparison_response_id: storedReference,
});

/** The definition of a function or custom tool; what it is about is the tenant's own. */
export const functionFields = {
  name: z.string(),
  description: z.string().nullish(),
  parameters: freeForm.nullish(),
  strict: z.boolean().nullish(),
};
export const customToolFields = {
  name: z.string(),
  description: z.string().nullish(),
  format: freeForm.nullish(),
};

export const schemaFields = {
  name: z.string(),
  description: z.string().nullish(),
  schema: freeForm.optional(),
  strict: z.boolean().nullish(),
};

/** A tool of the request that must, or may, be called. It can only name tools that the request itself defines. */
const toolChoice = z.union([
  z.string(),
  z.looseObject({ type: z.enum(["function", "custom", "allowed_tools"]) }),
]);

/**
 * Fields of chat completions and responses alike. `user`, `safety_identifier` and `prompt_cache_key` are the tenant's
 * own words and go on as they are; nothing here adds one.
 */
export const keptTextFields = {
  model: z.string().min(1),
  parallel_tool_calls: z.boolean().nullish(),
  prompt_cache_key: z.string().nullish(),
  prompt_cache_options: cacheOptions.optional(),
  prompt_cache_retention: z.enum(["in_memory", "24h"]).nullish(),
  safety_identifier: z.string().nullish(),
  temperature: z.number().nullish(),
  tool_choice: toolChoice.optional(),
  top_logprobs: z.number().nullish(),
  top_p: z.number().nullish(),
  user: z.string().optional(),
};

export const droppedTextFields = {
  store: z.boolean().nullish(),
  stream: streamField,
  stream_options: streamOptionsField,
  service_tier: onlyValues(
    ["auto", "default", null],
    "unpriced_feature",
    "the gateway chooses the service tier; only auto and default are accepted",
  ),
  moderation: refusedField("unpriced_feature", "has no price here"),
};

/** Nothing of a request is kept at the provider. */
export const FORCED_TEXT_FIELDS = { store: false };
