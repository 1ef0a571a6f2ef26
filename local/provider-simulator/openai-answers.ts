import { answerChat } from "./chat-answers.ts";
import { answerEmbeddings, countEmbeddingTokens } from "./embedding-answers.ts";
import type { Call, Execution } from "./execution.ts";
import { chatPrompt, responsesPrompt } from "./openai-prompt.ts";
import { checkOpenAiRequest, type OpenAiEndpoint } from "./openai-request-rules.ts";
import { countPromptTokens } from "./prompt.ts";
import { answerResponse } from "./responses-answers.ts";

/** Answers one OpenAI request, or refuses it as the endpoint would. Bills nothing: that is the caller's. */
export function executeOpenAi(endpoint: OpenAiEndpoint, input: unknown, call: Call): Execution {
  const checked = checkOpenAiRequest(endpoint, input);
  if (checked.kind === "refused") return checked;
  const { request } = checked;
  if (request.endpoint === "/v1/chat/completions") return answerChat(request.body, request.model, call);
  if (request.endpoint === "/v1/responses") return answerResponse(request.body, request.model, call);
  return answerEmbeddings(request.body, request.model, call);
}

/** The prompt tokens of a request, as they count against the enqueued-token limit; a refused one has none. */
export function countOpenAiPromptTokens(endpoint: OpenAiEndpoint, input: unknown): number {
  const checked = checkOpenAiRequest(endpoint, input);
  if (checked.kind === "refused") return 0;
  const { request } = checked;
  if (request.endpoint === "/v1/chat/completions") return countPromptTokens(chatPrompt(request.body));
  if (request.endpoint === "/v1/responses") return countPromptTokens(responsesPrompt(request.body));
  return countEmbeddingTokens(request.body);
}
