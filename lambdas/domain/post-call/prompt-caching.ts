import type { Instant } from "../instant.ts";
import { findPrice } from "../prices.ts";
import type { Lane } from "../vocabulary.ts";

/** OpenAI caches prompts of at least so many tokens, in blocks (its guide on prompt caching, autumn 2026). */
const MINIMUM_TOKENS = 1024;
const BLOCK_TOKENS = 128;

/** Whether what calls share at the beginning of their prompts can be read from the provider's cache, and is then cheaper. */
export type Caching =
  | { readonly kind: "cacheable"; readonly tokens: number }
  | { readonly kind: "uncacheable"; readonly reason: string };

/** `sharedTokens`: of the schema and the instructions of a vertical, as the provider counts them. */
export function cachingOf(sharedTokens: number, model: string, lane: Lane, at: Instant): Caching {
  if (sharedTokens < MINIMUM_TOKENS) {
    const reason = `${sharedTokens} tokens are below the ${MINIMUM_TOKENS} from which ${model} caches`;
    return { kind: "uncacheable", reason };
  }
  const price = findPrice(model, lane, at);
  if (price === undefined || price.cachedInput === null)
    return { kind: "uncacheable", reason: `${model} has no cached price in the ${lane} lane` };
  return { kind: "cacheable", tokens: Math.floor(sharedTokens / BLOCK_TOKENS) * BLOCK_TOKENS };
}
