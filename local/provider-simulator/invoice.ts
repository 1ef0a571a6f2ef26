import type { Provider } from "./model-catalog.ts";
import { pricesOf, type Service } from "./price-list.ts";

/** Tokens by what they are billed as; the components do not overlap, save `reasoningTokens`, a part of the output. */
export interface BilledUsage {
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly cacheWriteTokens: number;
  readonly longCacheWriteTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
}

export const NO_USAGE: BilledUsage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  longCacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
};

export interface Charge {
  readonly provider: Provider;
  readonly batchId: string | null;
  readonly requestId: string;
  readonly customId: string | null;
  readonly model: string;
  readonly service: Service;
  readonly usage: BilledUsage;
}

export interface InvoiceLine extends Charge {
  /** Picodollars as a decimal string. */
  readonly picoUsd: string;
  /** RFC 3339. */
  readonly at: string;
}

export interface InvoiceStatement {
  /** Picodollars as a decimal string: the exact sum of the lines. */
  readonly totalPicoUsd: string;
  readonly byProvider: Readonly<Record<Provider, string>>;
  readonly lines: readonly InvoiceLine[];
}

/** Everything that the simulated providers have billed since they started. */
export class Invoice {
  readonly #lines: InvoiceLine[] = [];
  readonly #totals: Record<Provider, bigint> = { openai: 0n, anthropic: 0n };

  bill(charge: Charge, now: number): void {
    const picoUsd = costOf(charge.model, charge.service, charge.usage);
    this.#totals[charge.provider] += picoUsd;
    this.#lines.push({ ...charge, picoUsd: picoUsd.toString(), at: new Date(now).toISOString() });
  }

  statement(): InvoiceStatement {
    const { openai, anthropic } = this.#totals;
    return {
      totalPicoUsd: (openai + anthropic).toString(),
      byProvider: { openai: openai.toString(), anthropic: anthropic.toString() },
      lines: [...this.#lines],
    };
  }
}

/** The exact price of one answer in picodollars. */
export function costOf(model: string, service: Service, usage: BilledUsage): bigint {
  const prices = pricesOf(model, service);
  return (
    BigInt(usage.inputTokens) * prices.input +
    BigInt(usage.cachedInputTokens) * prices.cachedInput +
    BigInt(usage.cacheWriteTokens) * prices.cacheWrite +
    BigInt(usage.longCacheWriteTokens) * prices.longCacheWrite +
    BigInt(usage.outputTokens) * prices.output
  );
}

/** The sum of two usages, component by component. */
export function addUsage(left: BilledUsage, right: BilledUsage): BilledUsage {
  return {
    inputTokens: left.inputTokens + right.inputTokens,
    cachedInputTokens: left.cachedInputTokens + right.cachedInputTokens,
    cacheWriteTokens: left.cacheWriteTokens + right.cacheWriteTokens,
    longCacheWriteTokens: left.longCacheWriteTokens + right.longCacheWriteTokens,
    outputTokens: left.outputTokens + right.outputTokens,
    reasoningTokens: left.reasoningTokens + right.reasoningTokens,
  };
}

/** Every prompt token, however it was billed. */
export function promptTokens(usage: BilledUsage): number {
  return usage.inputTokens + usage.cachedInputTokens + usage.cacheWriteTokens + usage.longCacheWriteTokens;
}
