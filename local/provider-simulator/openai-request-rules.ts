import type { z } from "zod";
import {
  type ChatBody,
  chatBody,
  type EmbeddingsBody,
  embeddingsBody,
  type ResponsesBody,
  responsesBody,
} from "./openai-body-schemas.ts";
import { findModel, type ModelFacts } from "./model-catalog.ts";
import { openAiRefusal, openAiSchemaRefusal, type Refusal } from "./provider-errors.ts";

/** The endpoints that the simulator serves, as batch lines name them. */
export const OPENAI_ENDPOINTS = ["/v1/chat/completions", "/v1/responses", "/v1/embeddings"] as const;
export type OpenAiEndpoint = (typeof OPENAI_ENDPOINTS)[number];

/** A body that its endpoint accepts, with the model it names. */
export type OpenAiRequest =
  | { readonly endpoint: "/v1/chat/completions"; readonly body: ChatBody; readonly model: ModelFacts }
  | { readonly endpoint: "/v1/responses"; readonly body: ResponsesBody; readonly model: ModelFacts }
  | { readonly endpoint: "/v1/embeddings"; readonly body: EmbeddingsBody; readonly model: ModelFacts };

export type Checked<Request> =
  | { readonly kind: "accepted"; readonly request: Request }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** Judges a body as the endpoint does before any work is done. */
export function checkOpenAiRequest(endpoint: OpenAiEndpoint, input: unknown): Checked<OpenAiRequest> {
  if (endpoint === "/v1/chat/completions") {
    return check(chatBody, input, (body, model) => ({ endpoint, body, model }), chatProblem);
  }
  if (endpoint === "/v1/responses") {
    return check(responsesBody, input, (body, model) => ({ endpoint, body, model }), responsesProblem);
  }
  return check(embeddingsBody, input, (body, model) => ({ endpoint, body, model }), embeddingsProblem);
}

/** How many texts a body asks to embed, for the limit over a whole batch. */
export function countEmbeddingInputs(input: unknown): number {
  if (!Array.isArray(input)) return 1;
  return typeof input[0] === "number" ? 1 : input.length;
}

function check<Body extends { model: string }>(
  schema: z.ZodType<Body>,
  input: unknown,
  accept: (body: Body, model: ModelFacts) => OpenAiRequest,
  problemOf: (body: Body, model: ModelFacts) => Refusal | null,
): Checked<OpenAiRequest> {
  const parsed = schema.safeParse(input);
  if (!parsed.success) return { kind: "refused", refusal: openAiSchemaRefusal(parsed.error, input) };
  const model = findModel("openai", parsed.data.model);
  if (!model) return { kind: "refused", refusal: unknownOpenAiModel(parsed.data.model) };
  const refusal = problemOf(parsed.data, model);
  return refusal ? { kind: "refused", refusal } : { kind: "accepted", request: accept(parsed.data, model) };
}

function unknownOpenAiModel(name: string): Refusal {
  return openAiRefusal(`The model \`${name}\` does not exist or you do not have access to it.`, {
    status: 404,
    code: "model_not_found",
  });
}

function chatProblem(body: ChatBody, model: ModelFacts): Refusal | null {
  if (model.kind !== "text") return wrongEndpoint(model, "v1/chat/completions");
  if (model.reasoning && typeof body.max_tokens === "number") {
    return openAiRefusal(
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      { code: "unsupported_parameter", param: "max_tokens" },
    );
  }
  if (body.response_format?.type === "json_schema" && !body.response_format.json_schema) {
    return missing("response_format.json_schema");
  }
  const limit = body.max_completion_tokens ?? body.max_tokens;
  const parameter = body.max_completion_tokens ? "max_completion_tokens" : "max_tokens";
  return textProblem(body, model) ?? outputLimitProblem(limit, parameter, model);
}

function responsesProblem(body: ResponsesBody, model: ModelFacts): Refusal | null {
  if (model.kind !== "text") return wrongEndpoint(model, "v1/responses");
  if (typeof body.previous_response_id === "string") {
    return openAiRefusal(`Previous response with id '${body.previous_response_id}' not found.`, {
      code: "previous_response_not_found",
      param: "previous_response_id",
    });
  }
  if (body.text?.format?.type === "json_schema" && !body.text.format.schema)
    return missing("text.format.schema");
  const hosted = body.tools?.findIndex((tool) => tool.type !== "function") ?? -1;
  if (hosted >= 0)
    return openAiRefusal("Hosted tools are not available.", { param: `tools[${hosted}].type` });
  return textProblem(body, model) ?? outputLimitProblem(body.max_output_tokens, "max_output_tokens", model);
}

function textProblem(body: ChatBody | ResponsesBody, model: ModelFacts): Refusal | null {
  if (body.stream) return openAiRefusal("Streaming is not available.", { param: "stream" });
  if (Object.keys(body.metadata ?? {}).length > 16) {
    return openAiRefusal("Invalid 'metadata': too many properties.", { param: "metadata" });
  }
  const tier = body.service_tier;
  if ((tier === "flex" && !model.flex) || tier === "priority" || tier === "fast" || tier === "scale") {
    return openAiRefusal(`Invalid service_tier argument: '${tier}' is not available for this model.`, {
      param: "service_tier",
    });
  }
  if (!model.reasoning) return null;
  for (const param of ["temperature", "top_p"] as const) {
    if (typeof body[param] === "number" && body[param] !== 1) {
      return openAiRefusal(
        `Unsupported value: '${param}' does not support ${body[param]} with this model. Only the default (1) value is supported.`,
        { code: "unsupported_value", param },
      );
    }
  }
  return null;
}

function outputLimitProblem(
  limit: number | null | undefined,
  param: string,
  model: ModelFacts,
): Refusal | null {
  if (typeof limit !== "number" || limit <= model.maxOutputTokens) return null;
  return openAiRefusal(
    `${param} is too large: ${limit}. This model supports at most ${model.maxOutputTokens} completion tokens.`,
    { code: "invalid_value", param },
  );
}

function embeddingsProblem(body: EmbeddingsBody, model: ModelFacts): Refusal | null {
  if (model.kind !== "embedding") return wrongEndpoint(model, "v1/embeddings");
  if ((body.dimensions ?? 0) <= model.dimensions) return null;
  return openAiRefusal(
    `Invalid value for 'dimensions': must be at most ${model.dimensions} for this model.`,
    {
      param: "dimensions",
    },
  );
}

function wrongEndpoint(model: ModelFacts, endpoint: string): Refusal {
  return openAiRefusal(`The model \`${model.id}\` is not supported in the ${endpoint} endpoint.`, {
    status: 404,
    param: "model",
  });
}

function missing(param: string): Refusal {
  return openAiRefusal(`Missing required parameter: '${param}'.`, {
    code: "missing_required_parameter",
    param,
  });
}
