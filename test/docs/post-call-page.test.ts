import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { PAGE_PATH, postCallPage } from "../../scripts/post-call-page.ts";

const stored = readFileSync(PAGE_PATH, "utf8");

test("the page's figures are those of the price table and the instructions as they are", () => {
  expect(postCallPage(stored), "run `node scripts/post-call-page.ts`").toBe(stored);
});

test("worked by hand: gpt-5-nano in batch at $0.025 in and $0.20 out a million, ten thousand calls", () => {
  const shared = Number(/and ([\d,]+) tokens of schema/.exec(stored)?.[1]?.replaceAll(",", ""));
  const dollars = (10_000 * (shared + 2_000) * 0.025 + 10_000 * 150 * 0.2) / 1e6;
  const row = stored.split("\n").find((line) => line.startsWith("| `gpt-5-nano`"));
  expect(row?.split("|")[3]?.trim()).toBe(`$${dollars.toFixed(2)}`);
});

test("a page without a place for figures is no page", () => {
  expect(() => postCallPage("# Nothing")).toThrow(/no place/);
});
