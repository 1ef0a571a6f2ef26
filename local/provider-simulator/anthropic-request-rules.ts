import { z } from "zod";
import { findModel, type ModelFacts } from "./model-catalog.ts";
import type { Checked } from "./openai-request-rules.ts";
import { anthropicRefusal, anthropicSchemaRefusal, type Refusal } from "./provider-errors.ts";

const MOST_BREAKPOINTS = 4;
const LEAST_THINKING_TOKENS = 1024;

const cacheControl = z
  .looseObject({ type: z.literal("ephemeral"), ttl: z.enum(["5m", "1h"]).optional() })
  .nullish();
const block = z.looseObject({ type: z.string(), text: z.string().optional(), cache_control: cacheControl });
const textBlock = z.looseObject({
  type: z.literal("text"),
  text: z.string().min(1),
  cache_control: cacheControl,
});
const tool = z.looseObject({
  name: z.string(),
  input_schema: z.record(z.string(), z.unknown()).optional(),
  cache_control: cacheControl,
});

const messagesBody = z.strictObject({
  model: z.string(),
  max_tokens: z.int().min(1),
  messages: z
    .array(
      z.looseObject({ role: z.enum(["user", "assistant"]), content: z.union([z.string(), z.array(block)]) }),
    )
    .min(1, "at least one message is required"),
  system: z.union([z.string(), z.array(textBlock)]).optional(),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().min(0).max(1).optional(),
  top_k: z.int().min(0).optional(),
  stop_sequences: z.array(z.string()).optional(),
  stream: z.boolean().optional(),
  tools: z.array(tool).optional(),
  tool_choice: z
    .looseObject({ type: z.enum(["auto", "any", "tool", "none"]), name: z.string().optional() })
    .optional(),
  thinking: z.looseObject({ type: z.string(), budget_tokens: z.int().optional() }).optional(),
  output_config: z
    .looseObject({
      format: z
        .looseObject({ type: z.literal("json_schema"), schema: z.record(z.string(), z.unknown()) })
        .nullish(),
    })
    .optional(),
  cache_control: cacheControl,
  service_tier: z.enum(["auto", "standard_only"]).optional(),
  metadata: z.looseObject({}).optional(),
  speed: z.enum(["standard"]).nullish(),
  inference_geo: z.string().nullish(),
});
export type MessagesBody = z.infer<typeof messagesBody>;

export interface AnthropicRequest {
  readonly body: MessagesBody;
  readonly model: ModelFacts;
}

/** Judges the parameters of one message as the Messages API does. */
export function checkAnthropicRequest(input: unknown): Checked<AnthropicRequest> {
  const parsed = messagesBody.safeParse(input);
  if (!parsed.success) return { kind: "refused", refusal: anthropicSchemaRefusal(parsed.error, input) };
  const body = parsed.data;
  const model = findModel("anthropic", body.model);
  if (!model) return { kind: "refused", refusal: anthropicRefusal(`model: ${body.model}`, 404) };
  const refusal = messagesProblem(body, model);
  return refusal ? { kind: "refused", refusal } : { kind: "accepted", request: { body, model } };
}

function messagesProblem(body: MessagesBody, model: ModelFacts): Refusal | null {
  if (body.stream) return anthropicRefusal("stream: streaming is not available.");
  if (body.messages[0]?.role !== "user") {
    return anthropicRefusal('messages: first message must use the "user" role');
  }
  if (body.max_tokens > model.maxOutputTokens) {
    return anthropicRefusal(
      `max_tokens: ${body.max_tokens} > ${model.maxOutputTokens}, which is the maximum allowed number of output tokens for ${model.snapshot}`,
    );
  }
  const breakpoints = countBreakpoints(body);
  if (breakpoints > MOST_BREAKPOINTS) {
    return anthropicRefusal(
      `A maximum of ${MOST_BREAKPOINTS} blocks with cache_control may be provided. Found ${breakpoints}.`,
    );
  }
  return thinkingProblem(body) ?? toolProblem(body);
}

function thinkingProblem(body: MessagesBody): Refusal | null {
  if (body.thinking?.type !== "enabled") return null;
  const budget = body.thinking.budget_tokens;
  if (budget === undefined) return anthropicRefusal("thinking.enabled.budget_tokens: Field required");
  if (budget < LEAST_THINKING_TOKENS) {
    return anthropicRefusal(
      `thinking.enabled.budget_tokens: Input should be greater than or equal to ${LEAST_THINKING_TOKENS}`,
    );
  }
  return budget < body.max_tokens
    ? null
    : anthropicRefusal("`max_tokens` must be greater than `thinking.budget_tokens`.");
}

function toolProblem(body: MessagesBody): Refusal | null {
  const server = body.tools?.findIndex((each) => each.input_schema === undefined) ?? -1;
  if (server >= 0) return anthropicRefusal(`tools.${server}: server tools are not available.`);
  const wanted = body.tool_choice?.type === "tool" ? body.tool_choice.name : undefined;
  if (wanted === undefined || body.tools?.some((each) => each.name === wanted)) return null;
  return anthropicRefusal(`tool_choice: Tool '${wanted}' not found in provided tools`);
}

function countBreakpoints(body: MessagesBody): number {
  const blocks = [
    ...(body.tools ?? []),
    ...(typeof body.system === "string" ? [] : (body.system ?? [])),
    ...body.messages.flatMap((message) => (typeof message.content === "string" ? [] : message.content)),
    { cache_control: body.cache_control },
  ];
  return blocks.filter((each) => each.cache_control).length;
}
