import { calcPrice } from "@pydantic/genai-prices";
import { describe, expect, test } from "vitest";
import { picoPerToken } from "../../../lambdas/domain/money.ts";
import { type PriceRow, priceRowSchema } from "../../../lambdas/domain/price-row.ts";
import { PRICE_TABLE, SOLD_MODELS } from "../../../lambdas/domain/price-table.ts";

const rowOf = (model: string, lane: PriceRow["lane"]) =>
  PRICE_TABLE.find((row) => row.model === model && row.lane === lane);

const models = Object.keys(SOLD_MODELS);
const COMPONENTS = ["input", "cachedInput", "cacheWrite5m", "cacheWrite1h", "output"] as const;

describe("the price table", () => {
  test("every row is well formed and names its source and when it was read", () => {
    for (const row of PRICE_TABLE) {
      expect(priceRowSchema.parse(row)).toEqual(row);
      expect(row.source).toMatch(/read \d{4}-\d{2}-\d{2}$/);
    }
  });

  test("no model has two rows for one lane from the same day", () => {
    const keys = PRICE_TABLE.map(({ model, lane, from }) => `${model} ${lane} ${from}`);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test.each(models)("%s is sold at once and in batches", (model) => {
    expect(rowOf(model, "sync")).toBeDefined();
    expect(rowOf(model, "batch")).toBeDefined();
  });

  test.each(models)(
    "a batch of %s costs half of what it costs at once, in every component it is sold by",
    (model) => {
      const [sync, batch] = [rowOf(model, "sync"), rowOf(model, "batch")];
      for (const component of COMPONENTS) {
        const [whole, half] = [sync?.[component], batch?.[component]];
        if (whole == null || half == null) continue;
        expect(picoPerToken(half) * 2n, component).toBe(picoPerToken(whole));
      }
    },
  );

  test("the models whose batches have no cached price are those of the published table", () => {
    const uncached = PRICE_TABLE.filter((row) => row.lane === "batch" && row.cachedInput === null);
    expect(uncached.map((row) => row.model).toSorted()).toEqual([
      "gpt-4.1",
      "gpt-4.1-mini",
      "gpt-4.1-nano",
      "gpt-4o",
      "gpt-4o-mini",
      "text-embedding-3-large",
      "text-embedding-3-small",
    ]);
  });

  test("flex is sold for the GPT-5 and GPT-6 models, at the prices of batches", () => {
    const flex = PRICE_TABLE.filter((row) => row.lane === "flex");
    expect(flex.map((row) => row.model)).toEqual(models.filter((model) => /^gpt-[56]/.test(model)));
    for (const row of flex) expect(row).toEqual({ ...rowOf(row.model, "batch"), lane: "flex" });
  });
});

/** A second published table; it knows neither batch nor flex, and writes a missing cache price as absent. */
describe("the standard prices beside those of @pydantic/genai-prices", () => {
  const READ = new Date("2026-11-21T00:00:00Z");
  const NAMES = {
    input: "input_mtok",
    cachedInput: "cache_read_mtok",
    cacheWrite5m: "cache_write_mtok",
    cacheWrite1h: "cache_write_1h_mtok",
    output: "output_mtok",
  } as const;

  function published(model: string) {
    const { provider: providerId } = rowOf(model, "sync") ?? {};
    const found = calcPrice({ input_tokens: 1, output_tokens: 0 }, model, { providerId, timestamp: READ });
    if (found === null) return undefined;
    const base = (name: string) => {
      const price = found.model_price[name];
      return typeof price === "object" ? price.base : price;
    };
    const prices = Object.fromEntries(COMPONENTS.map((component) => [component, base(NAMES[component])]));
    return { id: found.model.id, prices };
  }

  test.each(models)("%s", (model) => {
    const row = rowOf(model, "sync");
    for (const [component, price] of Object.entries(published(model)?.prices ?? {})) {
      const ours = row?.[component as (typeof COMPONENTS)[number]];
      if (price === undefined) expect(["0", null, undefined], component).toContain(ours);
      else expect(Number(ours), component).toBe(price);
    }
  });

  test("it has all of our models; Sonnet 5.5 only as a name beginning with that of Sonnet 5", () => {
    const missing = models.filter((model) => published(model)?.id !== model);
    expect(missing.map((model) => [model, published(model)?.id])).toEqual([
      ["claude-sonnet-5-5", "claude-sonnet-5"],
    ]);
  });

  test("the models that cost more for long requests are the ones we say have a limit", () => {
    const tiered = models.filter((model) => {
      const { provider: providerId } = rowOf(model, "sync") ?? {};
      const found = calcPrice({ input_tokens: 1 }, model, { providerId, timestamp: READ });
      return Object.values(found?.model_price ?? {}).some((price) => typeof price === "object");
    });
    const limited = Object.entries(SOLD_MODELS).flatMap(([model, { pricedInputTokens }]) =>
      pricedInputTokens === null ? [] : [model],
    );
    expect(limited).toEqual(tiered);
  });
});
