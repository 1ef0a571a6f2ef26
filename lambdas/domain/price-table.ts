import type { PriceRow } from "./price-row.ts";
import type { Endpoint, Lane, Provider } from "./vocabulary.ts";

/** A model that jobs may name. */
export type SoldModel = {
  readonly provider: Provider;
  readonly endpoints: readonly Endpoint[];
  /** Dated names of the same model at the same price, as the provider lists them. */
  readonly snapshots: readonly string[];
  /**
   * Input tokens of one request up to which the rows hold; beyond them the provider charges more for the whole request,
   * which the table cannot say yet. Null where the price does not depend on length.
   */
  readonly pricedInputTokens: number | null;
};

const TEXT: readonly Endpoint[] = ["/v1/chat/completions", "/v1/responses"];
/** OpenAI: above this, input and cache cost 2x and output 1.5x (its models' pages, autumn 2026). */
const OPENAI_SHORT_CONTEXT = 272_000;

function openAi(snapshots: readonly string[], pricedInputTokens: number | null = null): SoldModel {
  return { provider: "openai", endpoints: TEXT, snapshots, pricedInputTokens };
}

function claude(snapshots: readonly string[] = []): SoldModel {
  return { provider: "anthropic", endpoints: ["/v1/messages"], snapshots, pricedInputTokens: null };
}

const EMBEDDING: SoldModel = {
  provider: "openai",
  endpoints: ["/v1/embeddings"],
  snapshots: [],
  pricedInputTokens: null,
};

/** Snapshots are listed one by one, never matched by pattern: gpt-4o-2024-05-13 costs twice what gpt-4o does. */
export const SOLD_MODELS = {
  "gpt-6-sol": openAi([], OPENAI_SHORT_CONTEXT),
  "gpt-6-luna": openAi([], OPENAI_SHORT_CONTEXT),
  // From exactly 272,000 on, for this one.
  "gpt-5.5": openAi(["gpt-5.5-2026-04-23"], OPENAI_SHORT_CONTEXT - 1),
  "gpt-5.4-mini": openAi(["gpt-5.4-mini-2026-03-17"]),
  "gpt-5.4-nano": openAi(["gpt-5.4-nano-2026-03-17"]),
  "gpt-5": openAi(["gpt-5-2025-08-07"]),
  "gpt-5.1": openAi(["gpt-5.1-2025-11-13"]),
  "gpt-5-mini": openAi(["gpt-5-mini-2025-08-07"]),
  "gpt-5-nano": openAi(["gpt-5-nano-2025-08-07"]),
  "gpt-4.1": openAi(["gpt-4.1-2025-04-14"]),
  "gpt-4.1-mini": openAi(["gpt-4.1-mini-2025-04-14"]),
  "gpt-4.1-nano": openAi(["gpt-4.1-nano-2025-04-14"]),
  "gpt-4o": openAi(["gpt-4o-2024-08-06", "gpt-4o-2024-11-20"]),
  "gpt-4o-mini": openAi(["gpt-4o-mini-2024-07-18"]),
  "text-embedding-3-large": EMBEDDING,
  "text-embedding-3-small": EMBEDDING,
  "claude-opus-5-5": claude(),
  "claude-sonnet-5-5": claude(),
  "claude-sonnet-5": claude(),
  "claude-sonnet-4-6": claude(),
  "claude-haiku-4-5": claude(["claude-haiku-4-5-20251001"]),
} as const satisfies Readonly<Record<string, SoldModel>>;

type ModelName = keyof typeof SOLD_MODELS;
const MODEL_NAMES = Object.keys(SOLD_MODELS) as ModelName[];

/**
 * The day from which these rows are used. They were read on 2026-11-21 from copies of the pricing pages made in autumn
 * 2026, so this is not the day on which a provider introduced a price: work of before is not priced at all.
 */
const AUTUMN_2026 = "2026-09-01";

const SOURCES: Readonly<Record<Provider, string>> = {
  openai: "developers.openai.com/api/docs/pricing, copies of autumn 2026, read 2026-11-21",
  anthropic: "platform.claude.com/docs/en/about-claude/pricing, copies of autumn 2026, read 2026-11-21",
};

/** Dollars per million tokens: input, cached input, cache write 5 m, cache write 1 h, output. */
type Prices = readonly [
  input: string,
  cachedInput: string | null,
  cacheWrite5m: string | null,
  cacheWrite1h: string | null,
  output: string,
];

type Quotes = {
  readonly [Model in ModelName]?: { readonly sync: Prices; readonly batch: Prices; readonly flex?: true };
};

/**
 * Both columns as the pages print them, but for two kinds of row. OpenAI prints no batch price for cache writes: those of
 * gpt-6 are half the standard ones, as LiteLLM's table has them for gpt-5.6. Anthropic's batch prices of cache reads and
 * writes follow from its rule that the discount multiplies with the cache's own factors.
 */
const AUTUMN_QUOTES: Quotes = {
  "gpt-6-sol": { sync: ["2", "0.2", "2.5", null, "10"], batch: ["1", "0.1", "1.25", null, "5"], flex: true },
  "gpt-6-luna": {
    sync: ["0.1", "0.01", "0.125", null, "0.5"],
    batch: ["0.05", "0.005", "0.0625", null, "0.25"],
    flex: true,
  },
  "gpt-5.5": { sync: ["5", "0.5", null, null, "30"], batch: ["2.5", "0.25", null, null, "15"], flex: true },
  "gpt-5.4-mini": {
    sync: ["0.75", "0.075", null, null, "4.5"],
    batch: ["0.375", "0.0375", null, null, "2.25"],
    flex: true,
  },
  "gpt-5.4-nano": {
    sync: ["0.2", "0.02", null, null, "1.25"],
    batch: ["0.1", "0.01", null, null, "0.625"],
    flex: true,
  },
  "gpt-5": {
    sync: ["1.25", "0.125", null, null, "10"],
    batch: ["0.625", "0.0625", null, null, "5"],
    flex: true,
  },
  "gpt-5.1": {
    sync: ["1.25", "0.125", null, null, "10"],
    batch: ["0.625", "0.0625", null, null, "5"],
    flex: true,
  },
  "gpt-5-mini": {
    sync: ["0.25", "0.025", null, null, "2"],
    batch: ["0.125", "0.0125", null, null, "1"],
    flex: true,
  },
  "gpt-5-nano": {
    sync: ["0.05", "0.005", null, null, "0.4"],
    batch: ["0.025", "0.0025", null, null, "0.2"],
    flex: true,
  },
  "gpt-4.1": { sync: ["2", "0.5", null, null, "8"], batch: ["1", null, null, null, "4"] },
  "gpt-4.1-mini": { sync: ["0.4", "0.1", null, null, "1.6"], batch: ["0.2", null, null, null, "0.8"] },
  "gpt-4.1-nano": { sync: ["0.1", "0.025", null, null, "0.4"], batch: ["0.05", null, null, null, "0.2"] },
  "gpt-4o": { sync: ["2.5", "1.25", null, null, "10"], batch: ["1.25", null, null, null, "5"] },
  "gpt-4o-mini": { sync: ["0.15", "0.075", null, null, "0.6"], batch: ["0.075", null, null, null, "0.3"] },
  "text-embedding-3-large": {
    sync: ["0.13", null, null, null, "0"],
    batch: ["0.065", null, null, null, "0"],
  },
  "text-embedding-3-small": { sync: ["0.02", null, null, null, "0"], batch: ["0.01", null, null, null, "0"] },
  "claude-opus-5-5": { sync: ["4", "0.2", "5", "8", "20"], batch: ["2", "0.1", "2.5", "4", "10"] },
  "claude-sonnet-5-5": { sync: ["2", "0.2", "2.5", "4", "10"], batch: ["1", "0.1", "1.25", "2", "5"] },
  "claude-sonnet-5": { sync: ["2", "0.2", "2.5", "4", "10"], batch: ["1", "0.1", "1.25", "2", "5"] },
  "claude-sonnet-4-6": {
    sync: ["3", "0.3", "3.75", "6", "15"],
    batch: ["1.5", "0.15", "1.875", "3", "7.5"],
  },
  "claude-haiku-4-5": { sync: ["1", "0.1", "1.25", "2", "5"], batch: ["0.5", "0.05", "0.625", "1", "2.5"] },
};

/**
 * What every model costs in every lane in which it is sold: without a row it is not sold there. Flex costs what batch
 * costs, cached input included; gpt-4.1 and gpt-4o have no flex. A new price is another `rowsFrom` with the models that
 * change, never a change of rows that entries were made with.
 */
export const PRICE_TABLE: readonly PriceRow[] = rowsFrom(AUTUMN_2026, AUTUMN_QUOTES);

function rowsFrom(from: string, quotes: Quotes): PriceRow[] {
  return MODEL_NAMES.flatMap((model) => {
    const quote = quotes[model];
    if (quote === undefined) return [];
    const { sync, batch, flex } = quote;
    const rows = [row(model, "sync", from, sync), row(model, "batch", from, batch)];
    return flex ? [...rows, row(model, "flex", from, batch)] : rows;
  });
}

function row(model: ModelName, lane: Lane, from: string, prices: Prices): PriceRow {
  const { provider } = SOLD_MODELS[model];
  const [input, cachedInput, cacheWrite5m, cacheWrite1h, output] = prices;
  const source = SOURCES[provider];
  return { provider, model, lane, from, input, cachedInput, cacheWrite5m, cacheWrite1h, output, source };
}
