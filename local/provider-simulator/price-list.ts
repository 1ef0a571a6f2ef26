/**
 * The simulator's own price list, in US dollars per million tokens, as the providers' pricing pages gave it in autumn
 * 2026. It is written down apart from the gateway's so that an error in either shows as a difference of the two totals.
 */
interface PriceRow {
  /** Not cached, not written. */
  readonly input: string;
  readonly cachedInput: string;
  /** Anthropic: the five-minute cache. */
  readonly cacheWrite: string;
  /** Anthropic: the one-hour cache. */
  readonly longCacheWrite: string;
  readonly output: string;
}

/** Picodollars (10⁻¹² $) per token. */
export type TokenPrices = { readonly [component in keyof PriceRow]: bigint };

/** `flex` costs what `batch` costs. */
export type Service = "sync" | "batch" | "flex";

/** A cache write without a price of its own is ordinary input. */
function openAi(
  standard: [input: string, cached: string, output: string, write?: string],
  batch: [input: string, cached: string, output: string, write?: string],
): Record<"sync" | "batch", PriceRow> {
  const row = ([input, cachedInput, output, write = input]: typeof standard): PriceRow => ({
    input,
    cachedInput,
    cacheWrite: write,
    longCacheWrite: write,
    output,
  });
  return { sync: row(standard), batch: row(batch) };
}

/** Embeddings have neither output tokens nor a cache. */
function embedding(standard: string, batch: string): Record<"sync" | "batch", PriceRow> {
  return openAi([standard, standard, "0"], [batch, batch, "0"]);
}

// Models without a cached batch price bill cached tokens of a batch as ordinary input. The page gives no batch price for
// gpt-6 cache writes: they keep their ratio of 1.25 to the batch input.
const OPENAI: Record<string, Record<"sync" | "batch", PriceRow>> = {
  "gpt-6-sol": openAi(["2", "0.2", "10", "2.5"], ["1", "0.1", "5", "1.25"]),
  "gpt-6-luna": openAi(["0.1", "0.01", "0.5", "0.125"], ["0.05", "0.005", "0.25", "0.0625"]),
  "gpt-5.5": openAi(["5", "0.5", "30"], ["2.5", "0.25", "15"]),
  "gpt-5.4-mini": openAi(["0.75", "0.075", "4.5"], ["0.375", "0.0375", "2.25"]),
  "gpt-5.4-nano": openAi(["0.2", "0.02", "1.25"], ["0.1", "0.01", "0.625"]),
  "gpt-5": openAi(["1.25", "0.125", "10"], ["0.625", "0.0625", "5"]),
  "gpt-5.1": openAi(["1.25", "0.125", "10"], ["0.625", "0.0625", "5"]),
  "gpt-5-mini": openAi(["0.25", "0.025", "2"], ["0.125", "0.0125", "1"]),
  "gpt-5-nano": openAi(["0.05", "0.005", "0.4"], ["0.025", "0.0025", "0.2"]),
  "gpt-4.1": openAi(["2", "0.5", "8"], ["1", "1", "4"]),
  "gpt-4.1-mini": openAi(["0.4", "0.1", "1.6"], ["0.2", "0.2", "0.8"]),
  "gpt-4.1-nano": openAi(["0.1", "0.025", "0.4"], ["0.05", "0.05", "0.2"]),
  "gpt-4o": openAi(["2.5", "1.25", "10"], ["1.25", "1.25", "5"]),
  "gpt-4o-mini": openAi(["0.15", "0.075", "0.6"], ["0.075", "0.075", "0.3"]),
  "text-embedding-3-large": embedding("0.13", "0.065"),
  "text-embedding-3-small": embedding("0.02", "0.01"),
};

const ANTHROPIC: Record<string, PriceRow> = {
  "claude-opus-5-5": claude("4", "0.2", "5", "8", "20"),
  "claude-sonnet-5-5": claude("2", "0.2", "2.5", "4", "10"),
  "claude-sonnet-5": claude("2", "0.2", "2.5", "4", "10"),
  "claude-sonnet-4-6": claude("3", "0.3", "3.75", "6", "15"),
  "claude-haiku-4-5": claude("1", "0.1", "1.25", "2", "5"),
};

function claude(
  input: string,
  cachedInput: string,
  cacheWrite: string,
  longCacheWrite: string,
  output: string,
): PriceRow {
  return { input, cachedInput, cacheWrite, longCacheWrite, output };
}

/** Dollars per million tokens are microdollars per token, so six decimals make whole picodollars. */
function picoPerToken(usdPerMillion: string): bigint {
  const [whole = "0", fraction = ""] = usdPerMillion.split(".");
  return BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, "0"));
}

function toPrices(row: PriceRow, divisor: bigint): TokenPrices {
  const price = (usd: string) => picoPerToken(usd) / divisor;
  return {
    input: price(row.input),
    cachedInput: price(row.cachedInput),
    cacheWrite: price(row.cacheWrite),
    longCacheWrite: price(row.longCacheWrite),
    output: price(row.output),
  };
}

/** Prices of one model id in one service. Throws for a model that has none: nothing is ever billed at zero by default. */
export function pricesOf(model: string, service: Service): TokenPrices {
  const openAiRows = OPENAI[model];
  if (openAiRows) return toPrices(service === "sync" ? openAiRows.sync : openAiRows.batch, 1n);
  const claudeRow = ANTHROPIC[model];
  // Anthropic's batch discount halves every component, cache reads and writes included.
  if (claudeRow) return toPrices(claudeRow, service === "sync" ? 1n : 2n);
  throw new Error(`The price list has no row for ${model}.`);
}
