import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { leadScoringCosts, PAGE_PATH, withCosts } from "../../scripts/lead-scoring-costs.ts";

test("the costs on the page of lead scoring are those of the price table", () => {
  const page = readFileSync(PAGE_PATH, "utf8");
  expect(page, "run `node scripts/lead-scoring-costs.ts`").toBe(withCosts(page));
  expect(page).toContain(leadScoringCosts());
});

test("10,000 scores of 600 tokens and 60, half price, by hand", () => {
  // gpt-5-nano in batches: 6,000,000 tokens at $0.025 a million and 600,000 at $0.20.
  expect(leadScoringCosts()).toMatch(/\| scores .*\| \$0\.27 +\| \$0\.54 +\|/);
});
