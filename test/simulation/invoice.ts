import type { Tokens } from "./model-answers.ts";

/** Dollars per million tokens: input, cached input, cache write for 5 minutes, for an hour, output. Written apart from the gateway's own table. */
type Quote = readonly [number, number, number, number, number];

/** Batches cost half of these. A component without a price of its own costs what input does. */
const STANDARD: Readonly<Record<string, Quote>> = {
  "gpt-5-nano": [0.05, 0.005, 0.05, 0.05, 0.4],
  "gpt-5-mini": [0.25, 0.025, 0.25, 0.25, 2],
  "gpt-4o-mini": [0.15, 0.075, 0.15, 0.15, 0.6],
  "text-embedding-3-small": [0.02, 0.02, 0.02, 0.02, 0],
  "claude-haiku-4-5": [1, 0.1, 1.25, 2, 5],
  "claude-sonnet-5": [2, 0.2, 2.5, 4, 10],
};
/** It has no batch price for cached input: there that costs what input costs. */
const NO_CACHED_BATCH = "gpt-4o-mini";

/** What tokens cost, in pico-dollars: a dollar per million tokens is a million pico-dollars per token. */
export function priceOf(model: string, tokens: Tokens, lane: "batch" | "direct"): bigint {
  const [input, cached, short, long, output] = STANDARD[model] ?? [0, 0, 0, 0, 0];
  const isBatch = lane === "batch";
  const pico = (dollars: number) => BigInt(Math.round(dollars * (isBatch ? 500_000 : 1_000_000)));
  const cachedPrice = isBatch && model === NO_CACHED_BATCH ? input : cached;
  return (
    BigInt(tokens.input) * pico(input) +
    BigInt(tokens.cached) * pico(cachedPrice) +
    BigInt(tokens.short) * pico(short) +
    BigInt(tokens.long) * pico(long) +
    BigInt(tokens.output) * pico(output)
  );
}

/** One billed line of a batch. `gone`: nobody could ever read it; `unreadable`: it does not say what it used. */
export type BatchBill = {
  readonly providerBatchId: string;
  readonly customId: string;
  readonly tenantId: string;
  readonly cost: bigint;
  readonly state: "readable" | "unreadable" | "gone";
};

/** One billed direct call. */
export type CallBill = {
  readonly tenantId: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly cost: bigint;
};

/** What the providers bill: kept by themselves, from what they did. */
export class Invoice {
  readonly batches: BatchBill[] = [];
  readonly calls: CallBill[] = [];
}
