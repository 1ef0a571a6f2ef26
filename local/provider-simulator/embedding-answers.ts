import { embeddingSpace } from "./embedding-vector.ts";
import type { Call, Execution } from "./execution.ts";
import { NO_USAGE } from "./invoice.ts";
import type { ModelFacts } from "./model-catalog.ts";
import type { EmbeddingsBody } from "./openai-body-schemas.ts";
import { openAiRefusal } from "./provider-errors.ts";
import { countTokens } from "./token-count.ts";

/** No input of one embeddings request may be longer; all inputs together have their own limit. */
const EMBEDDING_INPUT_TOKENS = 8192;
const EMBEDDING_REQUEST_TOKENS = 300_000;

export function answerEmbeddings(body: EmbeddingsBody, model: ModelFacts, call: Call): Execution {
  const texts = embeddingTexts(body.input);
  const counts = texts.map((input) => input.tokens);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (counts.some((count) => count > EMBEDDING_INPUT_TOKENS) || total > EMBEDDING_REQUEST_TOKENS) {
    const longest = Math.max(...counts);
    return {
      kind: "refused",
      refusal: openAiRefusal(
        `This model's maximum context length is ${EMBEDDING_INPUT_TOKENS} tokens, however you requested ${longest} tokens. Please reduce your prompt.`,
        { param: "input" },
      ),
    };
  }
  const space = embeddingSpace(body.dimensions ?? model.dimensions);
  const data = texts.map(({ text }, index) => {
    const vector = body.encoding_format === "base64" ? `"${space.toBase64(text)}"` : space.toJson(text);
    return `{"object":"embedding","index":${index},"embedding":${vector}}`;
  });
  const usage = JSON.stringify({ prompt_tokens: total, total_tokens: total });
  const bodyJson = `{"object":"list","data":[${data.join(",")}],"model":"${model.snapshot}","usage":${usage}}`;
  return {
    kind: "answered",
    model,
    service: call.service,
    bodyJson,
    usage: { ...NO_USAGE, inputTokens: total },
  };
}

/** Input tokens over all texts of one request. */
export function countEmbeddingTokens(body: EmbeddingsBody): number {
  return embeddingTexts(body.input).reduce((sum, input) => sum + input.tokens, 0);
}

function embeddingTexts(input: EmbeddingsBody["input"]): { text: string; tokens: number }[] {
  if (typeof input === "string") return [{ text: input, tokens: countTokens(input) }];
  const inputs = typeof input[0] === "number" ? [input] : input;
  return inputs.map((each) =>
    typeof each === "string"
      ? { text: each, tokens: countTokens(each) }
      : { text: String(each), tokens: Array.isArray(each) ? each.length : 1 },
  );
}
