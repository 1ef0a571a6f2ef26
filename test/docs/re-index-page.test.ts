import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { dayOfTokens, PAGE_PATH, withFigures } from "../../scripts/re-index-page.ts";

const stored = readFileSync(PAGE_PATH, "utf8");

test("the page's figures are those of the price table as it is", () => {
  expect(withFigures(stored), "run `node scripts/re-index-page.ts`").toBe(stored);
});

test("worked by hand: text-embedding-3-small in batch at $0.01 a million, ten thousand documents of 1,024 tokens", () => {
  expect(dayOfTokens("text-embedding-3-small", "batch")).toBe(102_400_000_000n);
  expect(stored).toContain("$0.102400");
});

test("a model without a price and a page without a place are errors", () => {
  expect(() => dayOfTokens("unknown", "batch")).toThrow(/no price/);
  expect(() => withFigures("# Nothing")).toThrow(/no place/);
});
