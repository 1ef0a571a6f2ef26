import { MODEL, USAGE } from "./strategies.ts";

/** The provider's answer to every request of the bench: what it used is what counts. */
export function answerBody(serviceTier?: string): Record<string, unknown> {
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    model: MODEL,
    ...(serviceTier !== undefined && { service_tier: serviceTier }),
    choices: [
      { index: 0, finish_reason: "stop", message: { role: "assistant", content: "ok", refusal: null } },
    ],
    usage: {
      prompt_tokens: USAGE.inputTokens,
      completion_tokens: USAGE.outputTokens,
      prompt_tokens_details: { cached_tokens: 0 },
    },
  };
}
