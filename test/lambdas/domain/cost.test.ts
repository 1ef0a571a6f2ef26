import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { costOf } from "../../../lambdas/domain/cost.ts";
import { formatUsd } from "../../../lambdas/domain/money.ts";
import type { PriceRow } from "../../../lambdas/domain/price-row.ts";
import { PRICE_TABLE } from "../../../lambdas/domain/price-table.ts";
import { findPrice } from "../../../lambdas/domain/prices.ts";
import { addUsage, NO_USAGE, type TokenUsage } from "../../../lambdas/domain/usage.ts";
import type { Lane } from "../../../lambdas/domain/vocabulary.ts";

const TODAY = Date.parse("2026-11-21T12:00:00Z");

function price(model: string, lane: Lane): PriceRow {
  const row = findPrice(model, lane, TODAY);
  if (row === undefined) throw new Error(`${model} has no ${lane} price`);
  return row;
}

function cost(model: string, lane: Lane, usage: Partial<TokenUsage>): string {
  return costOf({ ...NO_USAGE, ...usage }, price(model, lane)).toString();
}

const M = 1_000_000;

/** Each worked by hand: tokens x dollars per million = micro-dollars; times 10^6 for pico-dollars. */
describe("costs worked by hand", () => {
  test("gpt-5-nano in a batch: 812 x 0.025 + 140 x 0.2 = 20.3 + 28 = 48.3 micro-dollars", () => {
    expect(cost("gpt-5-nano", "batch", { inputTokens: 812, outputTokens: 140 })).toBe("48300000");
  });

  test("the same at once: 812 x 0.05 + 140 x 0.4 = 40.6 + 56 = 96.6 micro-dollars", () => {
    expect(cost("gpt-5-nano", "sync", { inputTokens: 812, outputTokens: 140 })).toBe("96600000");
  });

  test("gpt-4o-mini at once, half of the prompt cached: 1000 x 0.15 + 1000 x 0.075 + 500 x 0.6 = 525", () => {
    const usage = { inputTokens: 1000, cachedInputTokens: 1000, outputTokens: 500 };
    expect(cost("gpt-4o-mini", "sync", usage)).toBe("525000000");
  });

  test("the same in a batch, which has no cached price: 2000 x 0.075 + 500 x 0.3 = 300", () => {
    const usage = { inputTokens: 1000, cachedInputTokens: 1000, outputTokens: 500 };
    expect(cost("gpt-4o-mini", "batch", usage)).toBe("300000000");
  });

  test("gpt-6-sol at once, writing a cache: 100 x 2 + 4000 x 2.5 + 50 x 10 = 200 + 10000 + 500 = 10700", () => {
    const usage = { inputTokens: 100, cacheWrite5mTokens: 4000, outputTokens: 50 };
    expect(cost("gpt-6-sol", "sync", usage)).toBe("10700000000");
  });

  test("gpt-6-luna in flex, reading that cache: 100 x 0.05 + 4000 x 0.005 + 50 x 0.25 = 5 + 20 + 12.5 = 37.5", () => {
    const usage = { inputTokens: 100, cachedInputTokens: 4000, outputTokens: 50 };
    expect(cost("gpt-6-luna", "flex", usage)).toBe("37500000");
  });

  test("gpt-5.1 thinking: 1200 x 1.25 + 900 x 10 = 1500 + 9000 = 10500; 700 thoughts are among the 900", () => {
    const usage = { inputTokens: 1200, outputTokens: 900, reasoningTokens: 700 };
    expect(cost("gpt-5.1", "sync", usage)).toBe("10500000000");
  });

  test("text-embedding-3-large in a batch: 2000 x 0.065 = 130", () => {
    expect(cost("text-embedding-3-large", "batch", { inputTokens: 2000 })).toBe("130000000");
  });

  test("Haiku 4.5 in a batch, everything at once: 300 x 0.5 + 2000 x 0.05 + 400 x 0.625 + 100 x 1 + 200 x 2.5 = 1100", () => {
    const usage = {
      inputTokens: 300,
      cachedInputTokens: 2000,
      cacheWrite5mTokens: 400,
      cacheWrite1hTokens: 100,
      outputTokens: 200,
    };
    // 150 + 100 + 250 + 100 + 500
    expect(cost("claude-haiku-4-5", "batch", usage)).toBe("1100000000");
  });

  test("Opus 5.5 at once, cache reads at a twentieth: 10 x 4 + 5000 x 0.2 + 1000 x 8 + 700 x 20 = 23040", () => {
    const usage = {
      inputTokens: 10,
      cachedInputTokens: 5000,
      cacheWrite1hTokens: 1000,
      outputTokens: 700,
    };
    // 40 + 1000 + 8000 + 14000
    expect(cost("claude-opus-5-5", "sync", usage)).toBe("23040000000");
  });

  test("gpt-5 writes no cache: tokens reported as written are plain input, 500 x 1.25 = 625", () => {
    expect(cost("gpt-5", "sync", { cacheWrite5mTokens: 300, cacheWrite1hTokens: 200 })).toBe("625000000");
  });
});

/** 10,000 summaries a day of 8,000 tokens in and 1,000 out; "cached" is nine tenths of the input read from a cache. */
describe("what is said about savings", () => {
  const plain = { ...NO_USAGE, inputTokens: 80 * M, outputTokens: 10 * M };
  const cached = { ...NO_USAGE, inputTokens: 8 * M, cachedInputTokens: 72 * M, outputTokens: 10 * M };

  test.each([
    ["gpt-4o-mini", "sync", plain, "$18.00", "80 x 0.15 + 10 x 0.6 = 12 + 6"],
    ["gpt-4o-mini", "sync", cached, "$12.60", "8 x 0.15 + 72 x 0.075 + 6 = 1.2 + 5.4 + 6, not 3.60"],
    ["gpt-4o-mini", "batch", plain, "$9.00", "80 x 0.075 + 10 x 0.3 = 6 + 3"],
    ["gpt-4o-mini", "batch", cached, "$9.00", "no cached price in batches: nothing stacks, not 1.80"],
    ["gpt-4.1-nano", "sync", cached, "$6.60", "8 x 0.1 + 72 x 0.025 + 10 x 0.4 = 0.8 + 1.8 + 4"],
    ["gpt-4.1-nano", "batch", cached, "$6.00", "80 x 0.05 + 10 x 0.2 = 4 + 2: a tenth less, not half"],
    ["gpt-5-nano", "batch", cached, "$2.38", "8 x 0.025 + 72 x 0.0025 + 10 x 0.2 = 0.2 + 0.18 + 2"],
    ["gpt-5-mini", "batch", cached, "$11.90", "8 x 0.125 + 72 x 0.0125 + 10 x 1 = 1 + 0.9 + 10"],
  ] as const)("%s in the %s lane: %#", (model, lane, usage, dollars, arithmetic) => {
    expect(formatUsd(costOf(usage, price(model, lane)), 2), arithmetic).toBe(dollars);
  });

  test("50,000 embeddings of 2,000 tokens: 100 x 0.13 = 13.00 at once, 100 x 0.065 = 6.50 in batches", () => {
    const usage = { ...NO_USAGE, inputTokens: 100 * M };
    expect(formatUsd(costOf(usage, price("text-embedding-3-large", "sync")), 2)).toBe("$13.00");
    expect(formatUsd(costOf(usage, price("text-embedding-3-large", "batch")), 2)).toBe("$6.50");
  });
});

const tokens = fc.nat(2_000_000_000);
const anyUsage: fc.Arbitrary<TokenUsage> = fc.record({
  inputTokens: tokens,
  cachedInputTokens: tokens,
  cacheWrite5mTokens: tokens,
  cacheWrite1hTokens: tokens,
  outputTokens: tokens,
  reasoningTokens: tokens,
});
const anyRow = fc.constantFrom(...PRICE_TABLE);
const DEARER_WHEN_CACHED = ["gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano"];

describe("laws of cost", () => {
  test("the cost of a sum is the sum of the costs", () => {
    fc.assert(
      fc.property(anyUsage, anyUsage, anyRow, (a, b, row) => {
        expect(costOf(addUsage(a, b), row)).toBe(costOf(a, row) + costOf(b, row));
      }),
    );
  });

  test("nothing costs nothing, and no cost is negative", () => {
    fc.assert(
      fc.property(anyUsage, anyRow, (usage, row) => {
        expect(costOf(usage, row)).toBeGreaterThanOrEqual(0n);
        expect(costOf(NO_USAGE, row)).toBe(0n);
      }),
    );
  });

  test("waiting never costs more where nothing is read from a cache", () => {
    fc.assert(
      fc.property(anyUsage, anyRow, (usage, row) => {
        const uncached = { ...usage, cachedInputTokens: 0 };
        expect(costOf(uncached, row)).toBeLessThanOrEqual(costOf(uncached, price(row.model, "sync")));
      }),
    );
  });

  test("waiting never costs more, whatever is read, where the lane has a price for cached input or half is no more", () => {
    fc.assert(
      fc.property(anyUsage, anyRow, (usage, row) => {
        fc.pre(!DEARER_WHEN_CACHED.includes(row.model));
        expect(costOf(usage, row)).toBeLessThanOrEqual(costOf(usage, price(row.model, "sync")));
      }),
    );
  });

  test("only of gpt-4.1 cached input is cheaper at once: a quarter of the price, against half in a batch", () => {
    const cached = { ...NO_USAGE, cachedInputTokens: 1 };
    const dearer = PRICE_TABLE.filter(
      (row) => costOf(cached, row) > costOf(cached, price(row.model, "sync")),
    );
    expect(dearer.map(({ model, lane }) => [model, lane])).toEqual(
      DEARER_WHEN_CACHED.map((model) => [model, "batch"]),
    );
  });

  test("reasoning is billed as part of the output and nowhere else", () => {
    fc.assert(
      fc.property(anyUsage, tokens, anyRow, (usage, reasoningTokens, row) => {
        expect(costOf({ ...usage, reasoningTokens }, row)).toBe(costOf(usage, row));
      }),
    );
  });
});
