import { expect, test } from "vitest";
import { withFigures } from "../../scripts/markdown.ts";
import { PAGES, readPage } from "../../scripts/pages.ts";

test.each(PAGES)("$path says what the tables say that it is made of", (page) => {
  const stored = readPage(page);
  expect(page.make(stored), "run `npm run pages`").toBe(stored);
});

test("a page without a place for its figures is an error", () => {
  expect(() => withFigures("# Nothing", "1")).toThrow(/no place/);
});
