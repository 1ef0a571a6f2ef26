import { costOf } from "../lambdas/domain/cost.ts";
import { utcDate } from "../lambdas/domain/instant.ts";
import { formatUsd, type PicoUsd } from "../lambdas/domain/money.ts";
import { analysisBody } from "../lambdas/domain/post-call/analysis-job.ts";
import { postCallPolicySchema } from "../lambdas/domain/post-call/post-call-policy.ts";
import { cachingOf } from "../lambdas/domain/post-call/prompt-caching.ts";
import { findPrice } from "../lambdas/domain/prices.ts";
import { estimateInputTokens } from "../lambdas/domain/token-estimate.ts";
import { NO_USAGE, type TokenUsage } from "../lambdas/domain/usage.ts";
import type { Lane } from "../lambdas/domain/vocabulary.ts";
import { tableOf, thousands } from "./markdown.ts";

/** The day whose prices the page tells, and what it assumes of the calls. */
const PRICED_ON = Date.UTC(2026, 10, 22);
const CALLS = 10_000;
const TRANSCRIPT_TOKENS = 2_000;
const ANSWER_TOKENS = 150;
/** What the tests hold the workload to; runs of the demo read more. */
const CACHED_SHARE = 0.9;

const MODELS = ["gpt-5-nano", "gpt-5-mini", "gpt-5.4-nano", "gpt-4.1-nano", "gpt-4o-mini"];

/** Tokens that every call of a vertical begins with: schema and instructions. */
function sharedTokens(model: string): number {
  const policy = postCallPolicySchema.parse({ vertical: "general", model });
  return estimateInputTokens("openai", analysisBody(policy, { turns: [] }));
}

/** What a day's calls cost in a lane; `share` of the cacheable tokens are read from the cache. */
function costOfDay(model: string, lane: Lane, share: number): PicoUsd | undefined {
  const price = findPrice(model, lane, PRICED_ON);
  if (price === undefined) return undefined;
  const shared = sharedTokens(model);
  const caching = cachingOf(shared, model, lane, PRICED_ON);
  const cached = caching.kind === "cacheable" ? Math.round(CALLS * caching.tokens * share) : 0;
  const usage: TokenUsage = {
    ...NO_USAGE,
    inputTokens: CALLS * (shared + TRANSCRIPT_TOKENS) - cached,
    cachedInputTokens: cached,
    outputTokens: CALLS * ANSWER_TOKENS,
  };
  return costOf(usage, price);
}

/** The costs by the price table and the instructions in force. */
export function postCallFigures(): string {
  const shared = sharedTokens("gpt-5-nano");
  const rows = MODELS.map((model) => {
    const caching = cachingOf(shared, model, "batch", PRICED_ON);
    const whole = costOfDay(model, "batch", 0);
    return [
      `\`${model}\``,
      dollars(costOfDay(model, "sync", 0)),
      dollars(whole),
      caching.kind === "cacheable" ? dollars(costOfDay(model, "batch", CACHED_SHARE)) : "uncacheable",
    ];
  });
  const titles = ["model", "at once, no cache", "batch, no cache", "batch, 90 % of the instructions cached"];
  const assumed = `${thousands(CALLS)} calls a day of ${thousands(TRANSCRIPT_TOKENS)} tokens each (some ten minutes of talk), ${thousands(ANSWER_TOKENS)} tokens of answer,
and ${thousands(shared)} tokens of schema and instructions by OpenAI's tokenizer, at the prices of ${utcDate(PRICED_ON)}:`;
  return `${assumed}\n\n${tableOf(titles, rows)}`;
}

function dollars(amount: PicoUsd | undefined): string {
  return amount === undefined ? "not sold" : formatUsd(amount, 2);
}
