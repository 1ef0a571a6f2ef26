import { expect, test } from "vitest";
import { dayOfTokens, reIndexFigures } from "../../scripts/re-index-page.ts";

test("worked by hand: text-embedding-3-small in batch at $0.01 a million, ten thousand documents of 1,024 tokens", () => {
  expect(dayOfTokens("text-embedding-3-small", "batch")).toBe(102_400_000_000n);
  expect(reIndexFigures()).toContain("$0.102400");
});

test("a model without a price is an error", () => {
  expect(() => dayOfTokens("unknown", "batch")).toThrow(/no price/);
});
