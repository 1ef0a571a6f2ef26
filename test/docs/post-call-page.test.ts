import { expect, test } from "vitest";
import { postCallFigures } from "../../scripts/post-call-page.ts";

test("worked by hand: gpt-5-nano in batch at $0.025 in and $0.20 out a million, ten thousand calls", () => {
  const figures = postCallFigures();
  const shared = Number(/and ([\d,]+) tokens of schema/.exec(figures)?.[1]?.replaceAll(",", ""));
  const dollars = (10_000 * (shared + 2_000) * 0.025 + 10_000 * 150 * 0.2) / 1e6;
  const row = figures.split("\n").find((line) => line.startsWith("| `gpt-5-nano`"));
  expect(row?.split("|")[3]?.trim()).toBe(`$${dollars.toFixed(2)}`);
});
