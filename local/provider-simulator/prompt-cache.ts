import type { SimulatorClock } from "./clock.ts";
import type { CacheLifetime, Prompt, PromptSegment } from "./prompt.ts";
import { promptText } from "./prompt.ts";
import { PrefixHasher } from "./seeded-random.ts";
import { CHARACTERS_PER_TOKEN } from "./token-count.ts";

/** OpenAI caches prompts in blocks of this many tokens. */
const BLOCK_TOKENS = 128;
/** Entries beyond this are forgotten, oldest first, so that memory stays flat. */
const MOST_ENTRIES = 200_000;
/** Anthropic looks this many blocks back from a breakpoint for a prefix that is already cached. */
const LOOKBACK_BLOCKS = 20;

const LIFETIME_MS: Record<CacheLifetime | "10m" | "24h", number> = {
  "5m": 300_000,
  "10m": 600_000,
  "30m": 1_800_000,
  "1h": 3_600_000,
  "12h": 43_200_000,
  "24h": 86_400_000,
};

/** Tokens of one prompt by what the cache did with them; the rest of the prompt is ordinary input. */
export interface CacheUse {
  readonly read: number;
  readonly written: number;
  /** Part of neither of the above: written with the one-hour lifetime. */
  readonly writtenLong: number;
}

export const NO_CACHE_USE: CacheUse = { read: 0, written: 0, writtenLong: 0 };

/**
 * The prompt caches of both providers. A prefix is cached per account and model; a request reads what earlier requests
 * have written, then writes its own prefixes, and every read renews what it read. Lifetimes are divided by the
 * simulator's speed, as batches are.
 */
export class PromptCache {
  readonly #expiries = new Map<string, number>();
  readonly #clock: SimulatorClock;
  readonly #speed: number;

  constructor(clock: SimulatorClock, speed: number) {
    this.#clock = clock;
    this.#speed = speed;
  }

  /** OpenAI's automatic cache: the longest known prefix in whole blocks, of prompts of at least `minimumTokens`. */
  useAutomatic(
    scope: string,
    prompt: Prompt,
    minimumTokens: number,
    lifetime: "10m" | "24h" | "30m" | "12h",
  ): CacheUse {
    const text = promptText(prompt);
    const blocks = Math.floor(text.length / CHARACTERS_PER_TOKEN / BLOCK_TOKENS);
    if (blocks * BLOCK_TOKENS < minimumTokens) return NO_CACHE_USE;
    const hasher = new PrefixHasher();
    const keys: string[] = [];
    let read = 0;
    for (let block = 1; block <= blocks; block += 1) {
      const end = block * BLOCK_TOKENS * CHARACTERS_PER_TOKEN;
      hasher.add(text, end - BLOCK_TOKENS * CHARACTERS_PER_TOKEN, end);
      if (block * BLOCK_TOKENS < minimumTokens) continue;
      const key = `${scope}|${end}|${hasher.value()}`;
      keys.push(key);
      if (this.#isLive(key)) read = block * BLOCK_TOKENS;
    }
    for (const key of keys) this.#renew(key, lifetime);
    return { read, written: blocks * BLOCK_TOKENS - read, writtenLong: 0 };
  }

  /** Explicit breakpoints: reads the longest known prefix, then writes from there up to each later breakpoint. */
  useBreakpoints(scope: string, segments: readonly PromptSegment[], minimumTokens: number): CacheUse {
    const prefixes = prefixesOf(scope, segments, minimumTokens);
    const lastBreakpoint = prefixes.findLastIndex((prefix) => prefix.breakpoint !== null);
    const reachable = prefixes.slice(0, lastBreakpoint + 1);
    const hit = reachable.findLastIndex((prefix, index) => {
      const marked = reachable.slice(index, index + LOOKBACK_BLOCKS).some((next) => next.breakpoint !== null);
      return marked && this.#isLive(prefix.key);
    });
    const read = reachable[hit]?.tokens ?? 0;
    if (hit >= 0) this.#renew(reachable[hit]?.key ?? "", reachable[hit]?.breakpoint ?? "5m");
    const use = { read, written: 0, writtenLong: 0 };
    let position = read;
    for (const prefix of reachable.slice(hit + 1)) {
      if (prefix.breakpoint === null) continue;
      if (prefix.breakpoint === "1h") use.writtenLong += prefix.tokens - position;
      else use.written += prefix.tokens - position;
      position = prefix.tokens;
      this.#renew(prefix.key, prefix.breakpoint);
    }
    return use;
  }

  #isLive(key: string): boolean {
    return (this.#expiries.get(key) ?? 0) > this.#clock.now();
  }

  #renew(key: string, lifetime: keyof typeof LIFETIME_MS): void {
    const expiry = this.#clock.now() + LIFETIME_MS[lifetime] / this.#speed;
    const known = this.#expiries.get(key) ?? 0;
    this.#expiries.delete(key);
    this.#expiries.set(key, Math.max(known, expiry));
    if (this.#expiries.size <= MOST_ENTRIES) return;
    const oldest = this.#expiries.keys().next();
    if (!oldest.done) this.#expiries.delete(oldest.value);
  }
}

interface Prefix {
  readonly key: string;
  readonly tokens: number;
  readonly breakpoint: CacheLifetime | null;
}

/** The prompt up to the end of each segment, as far as it is long enough to be cached. */
function prefixesOf(scope: string, segments: readonly PromptSegment[], minimumTokens: number): Prefix[] {
  const hasher = new PrefixHasher();
  const prefixes: Prefix[] = [];
  let characters = 0;
  for (const segment of segments) {
    hasher.add(segment.text, 0, segment.text.length);
    characters += segment.text.length;
    const tokens = Math.floor(characters / CHARACTERS_PER_TOKEN);
    if (tokens < minimumTokens) continue;
    prefixes.push({
      key: `${scope}|${characters}|${hasher.value()}`,
      tokens,
      breakpoint: segment.breakpoint,
    });
  }
  return prefixes;
}
