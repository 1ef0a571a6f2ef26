import { analysisBody } from "../../../lambdas/domain/post-call/analysis-job.ts";
import { type Caching, cachingOf } from "../../../lambdas/domain/post-call/prompt-caching.ts";
import type { PostCallPolicy } from "../../../lambdas/domain/post-call/post-call-policy.ts";
import type { ResultMessage } from "../../../lambdas/domain/result-message.ts";
import { chatBody } from "../../provider-simulator/openai-body-schemas.ts";
import { chatPrompt } from "../../provider-simulator/openai-prompt.ts";
import { countPromptTokens } from "../../provider-simulator/prompt.ts";

/** What calls of a vertical share at the beginning of their prompts, as the simulator counts tokens. */
export function simulatedCaching(policy: PostCallPolicy): Caching {
  const body = chatBody.parse(analysisBody(policy, { turns: [] }));
  const shared = chatPrompt({ ...body, messages: body.messages.slice(0, 1) });
  return cachingOf(countPromptTokens(shared), policy.model, "batch", Date.now());
}

export type CacheUse = {
  /** Instruction tokens that could have been read from the cache, had it always been warm. */
  readonly cacheable: number;
  readonly read: number;
};

/** Of the instructions of answered calls, what was read from the cache; what else a cache may have held is not counted. */
export function cacheUseOf(
  results: readonly Pick<ResultMessage, "lane" | "usage">[],
  caching: Caching,
): CacheUse {
  if (caching.kind === "uncacheable") return { cacheable: 0, read: 0 };
  const batched = results.filter(({ lane }) => lane === "batch");
  const read = batched.map(({ usage }) => Math.min(usage.cachedInputTokens, caching.tokens));
  return {
    cacheable: batched.length * caching.tokens,
    read: read.reduce((sum, tokens) => sum + tokens, 0),
  };
}
