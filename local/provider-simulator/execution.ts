import type { BilledUsage } from "./invoice.ts";
import type { ModelFacts } from "./model-catalog.ts";
import type { Service } from "./price-list.ts";
import type { CacheUse, PromptCache } from "./prompt-cache.ts";
import { type Prompt, promptText } from "./prompt.ts";
import type { Refusal } from "./provider-errors.ts";
import { hashText } from "./seeded-random.ts";
import { CHARACTERS_PER_TOKEN, countTokens, truncateToTokens } from "./token-count.ts";

/** One request to answer, alone or as a line of a batch. */
export interface Call {
  /** The account whose caches it shares: one per API key. */
  readonly account: string;
  readonly service: Service;
  /** Distinguishes this call from every other; ids of the answer derive from it. */
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly cache: PromptCache;
}

export type Execution =
  | {
      readonly kind: "answered";
      readonly model: ModelFacts;
      readonly service: Service;
      /** The response body, already serialised: an embedding is written faster than JSON.stringify would. */
      readonly bodyJson: string;
      readonly usage: BilledUsage;
    }
  | { readonly kind: "refused"; readonly refusal: Refusal };

export function billedUsage(
  prompt: Prompt,
  cacheUse: CacheUse,
  outputTokens: number,
  reasoningTokens: number,
): BilledUsage {
  const { read, written, writtenLong } = cacheUse;
  return {
    inputTokens: countTokens(promptText(prompt)) - read - written - writtenLong,
    cachedInputTokens: read,
    cacheWriteTokens: written,
    longCacheWriteTokens: writtenLong,
    outputTokens,
    reasoningTokens,
  };
}

export interface LimitedText {
  readonly text: string;
  /** At least one: no provider bills an answer without output. */
  readonly tokens: number;
  readonly reasoningTokens: number;
  readonly ending: "complete" | "length" | "stop_sequence";
  readonly stopSequence: string | null;
}

/** Applies stop sequences, then the output limit; hidden reasoning uses the limit up first. */
export function limitText(
  text: string,
  limit: number,
  reasoningTokens: number,
  stopSequences: readonly string[],
): LimitedText {
  const reasoned = Math.min(reasoningTokens, limit);
  const stop = firstStop(text, stopSequences);
  const wanted = stop ? text.slice(0, stop.position) : text;
  const allowed = limit - reasoned;
  const ending =
    wanted.length > allowed * CHARACTERS_PER_TOKEN ? "length" : stop ? "stop_sequence" : "complete";
  const kept = ending === "length" ? truncateToTokens(wanted, allowed) : wanted;
  return {
    text: kept,
    tokens: Math.max(1, countTokens(kept) + reasoned),
    reasoningTokens: reasoned,
    ending,
    stopSequence: ending === "stop_sequence" ? (stop?.sequence ?? null) : null,
  };
}

function firstStop(
  text: string,
  sequences: readonly string[],
): { position: number; sequence: string } | undefined {
  return sequences
    .map((sequence) => ({ sequence, position: sequence ? text.indexOf(sequence) : -1 }))
    .filter((found) => found.position >= 0)
    .sort((left, right) => left.position - right.position)[0];
}

const EFFORT_TOKENS = { none: 0, minimal: 0, low: 64, medium: 192, high: 512, xhigh: 1024 } as const;

/** Hidden output tokens of a reasoning model: they grow with the effort and vary a little with the input. */
export function reasoningTokens(
  model: ModelFacts,
  effort: string | null | undefined,
  prompt: Prompt,
): number {
  if (!model.reasoning) return 0;
  const base = Object.entries(EFFORT_TOKENS).find(
    ([name]) => name === (effort ?? model.reasoning?.defaultEffort),
  )?.[1];
  return base ? base + (hashText(prompt.conversation) % (base / 2)) : 0;
}
