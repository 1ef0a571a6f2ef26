import { type PicoUsd, picoPerToken } from "./money.ts";
import type { PriceRow } from "./price-row.ts";
import type { TokenUsage } from "./usage.ts";

/**
 * What the tokens cost under a price row, exactly. A component without a price of its own is billed as plain input;
 * reasoning tokens are part of the output and not counted again.
 */
export function costOf(usage: TokenUsage, row: PriceRow): PicoUsd {
  const price = (component: string | null) => picoPerToken(component ?? row.input);
  return (
    BigInt(usage.inputTokens) * price(row.input) +
    BigInt(usage.cachedInputTokens) * price(row.cachedInput) +
    BigInt(usage.cacheWrite5mTokens) * price(row.cacheWrite5m) +
    BigInt(usage.cacheWrite1hTokens) * price(row.cacheWrite1h) +
    BigInt(usage.outputTokens) * price(row.output)
  );
}
