import { z } from "zod";

const tokens = z.number().int().nonnegative().default(0);

/**
 * Tokens of one answer by the component they are billed under. The input components are disjoint: what was read from
 * a cache or written to one is not in `inputTokens`. `reasoningTokens` are part of `outputTokens`, told apart for the
 * reader and billed as output.
 */
export const tokenUsageSchema = z.object({
  inputTokens: tokens,
  cachedInputTokens: tokens,
  cacheWrite5mTokens: tokens,
  cacheWrite1hTokens: tokens,
  outputTokens: tokens,
  reasoningTokens: tokens,
});
export type TokenUsage = z.infer<typeof tokenUsageSchema>;

export const NO_USAGE: TokenUsage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
};

export function addUsage(a: TokenUsage, b: TokenUsage): TokenUsage {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
    cacheWrite5mTokens: a.cacheWrite5mTokens + b.cacheWrite5mTokens,
    cacheWrite1hTokens: a.cacheWrite1hTokens + b.cacheWrite1hTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
  };
}

/** No tokens, in the shape of a result message. */
export const NO_RESULT_USAGE = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
};
