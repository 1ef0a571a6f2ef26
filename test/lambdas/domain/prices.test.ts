import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PRICE_TABLE, SOLD_MODELS } from "../../../lambdas/domain/price-table.ts";
import { findPrice, isKnownModel, pricedInputTokens, rowInForce } from "../../../lambdas/domain/prices.ts";
import { utcDate } from "../../../lambdas/domain/instant.ts";

const TODAY = Date.parse("2026-11-21T12:00:00Z");

describe("finding a price", () => {
  test("gives the row of the model and the lane", () => {
    for (const row of PRICE_TABLE) expect(findPrice(row.model, row.lane, TODAY)).toEqual(row);
  });

  test("there is none for an unknown model, a lane in which it is not sold, or a day before all rows", () => {
    expect(findPrice("gpt-7", "sync", TODAY)).toBeUndefined();
    expect(findPrice("claude-haiku-4-5", "flex", TODAY)).toBeUndefined();
    expect(findPrice("gpt-4o", "flex", TODAY)).toBeUndefined();
    expect(findPrice("gpt-5", "sync", Date.parse("2026-08-31T23:59:59.999Z"))).toBeUndefined();
    expect(findPrice("gpt-5", "sync", Date.parse("2026-09-01T00:00:00Z"))).toBeDefined();
  });

  test("names that objects have of themselves are no models", () => {
    for (const name of ["constructor", "__proto__", "toString", ""]) {
      expect(findPrice(name, "sync", TODAY)).toBeUndefined();
      expect(isKnownModel("openai", "/v1/responses", name)).toBe(false);
    }
  });

  test("a documented snapshot has the price of its model, an undocumented one has none", () => {
    expect(findPrice("gpt-4o-mini-2024-07-18", "batch", TODAY)).toEqual(
      findPrice("gpt-4o-mini", "batch", TODAY),
    );
    expect(findPrice("claude-haiku-4-5-20251001", "sync", TODAY)?.input).toBe("1");
    // It costs twice what gpt-4o does.
    expect(findPrice("gpt-4o-2024-05-13", "sync", TODAY)).toBeUndefined();
    expect(findPrice("gpt-5-nano-2030-01-01", "sync", TODAY)).toBeUndefined();
  });

  test("no snapshot names two models, and none is a model itself", () => {
    const names = Object.entries(SOLD_MODELS).flatMap(([name, { snapshots }]) => [name, ...snapshots]);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("the row in force", () => {
  const [template] = PRICE_TABLE;
  const day = fc
    .date({
      min: new Date("2026-01-01T00:00:00Z"),
      max: new Date("2027-12-31T00:00:00Z"),
      noInvalidDate: true,
    })
    .map((date) => date.getTime());

  test("is the last that had begun, in whatever order the rows stand", () => {
    fc.assert(
      fc.property(fc.uniqueArray(day, { selector: utcDate }), day, (begins, at) => {
        const rows = begins.flatMap((begin) => (template ? [{ ...template, from: utcDate(begin) }] : []));
        const expected = rows
          .map(({ from }) => from)
          .toSorted()
          .findLast((from) => from <= utcDate(at));
        expect(rowInForce(rows, at)?.from).toBe(expected);
      }),
    );
  });

  test("holds from the first moment of its UTC day", () => {
    const rows = template
      ? [
          { ...template, from: "2026-09-01" },
          { ...template, from: "2026-12-01" },
        ]
      : [];
    expect(rowInForce(rows, Date.parse("2026-11-30T23:59:59.999Z"))?.from).toBe("2026-09-01");
    expect(rowInForce(rows, Date.parse("2026-12-01T00:00:00Z"))?.from).toBe("2026-12-01");
  });
});

describe("known models", () => {
  test.each([
    ["openai", "/v1/chat/completions", "gpt-5-nano", true],
    ["openai", "/v1/responses", "gpt-5-nano-2025-08-07", true],
    ["openai", "/v1/embeddings", "text-embedding-3-small", true],
    ["anthropic", "/v1/messages", "claude-sonnet-5-5", true],
    ["openai", "/v1/embeddings", "gpt-5-nano", false],
    ["openai", "/v1/chat/completions", "text-embedding-3-small", false],
    ["openai", "/v1/chat/completions", "claude-haiku-4-5", false],
    ["anthropic", "/v1/messages", "gpt-5", false],
    ["openai", "/v1/responses", "gpt-5-nano-", false],
  ] as const)("%s %s %s: %s", (provider, endpoint, model, known) => {
    expect(isKnownModel(provider, endpoint, model)).toBe(known);
  });
});

test("prices of long requests are only known up to a length for some models", () => {
  expect(pricedInputTokens("gpt-6-sol")).toBe(272_000);
  expect(pricedInputTokens("gpt-5.5-2026-04-23")).toBe(271_999);
  expect(pricedInputTokens("gpt-5-nano")).toBe(Infinity);
});
