import { expect, test } from "vitest";
import { leadScoringFigures } from "../../scripts/lead-scoring-page.ts";

test("10,000 scores of 600 tokens and 60, half price, by hand", () => {
  // gpt-5-nano in batches: 6,000,000 tokens at $0.025 a million and 600,000 at $0.20.
  expect(leadScoringFigures()).toMatch(/\| scores .*\| \$0\.27 +\| \$0\.54 +\|/);
});
