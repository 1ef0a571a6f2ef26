import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  MAX_PART_BYTES,
  MAX_PART_LINES,
  type SeenLine,
  SettlementFold,
} from "../../../lambdas/domain/settlement-fold.ts";
import type { Part } from "../../../lambdas/domain/settlement-plan.ts";

const answered = (customId: string): SeenLine => ({ customId, rank: "answered" });
const failed = (customId: string): SeenLine => ({ customId, rank: "failed" });

function fold(expected: readonly string[], lines: readonly SeenLine[], bytes = 10) {
  const made = new SettlementFold(expected);
  for (const line of lines) made.add("out", bytes, line);
  return made.finish();
}

/** Which lines count, as (number in the whole output). */
function counted(parts: readonly Part[]): number[] {
  let first = 0;
  return parts.flatMap((part) => {
    if (part.kind === "missing") return [];
    const numbers = Array.from({ length: part.lines }, (_, line) => line).filter(
      (line) => !part.skip.includes(line),
    );
    const found = numbers.map((line) => first + line);
    first += part.lines;
    return found;
  });
}

describe("SettlementFold", () => {
  test("counts the first answer of several, and an answer over a failure", () => {
    const lines = [
      failed("a"),
      answered("a"),
      answered("a"),
      answered("b"),
      failed("b"),
      failed("c"),
      failed("c"),
    ];
    expect(counted(fold(["a", "b", "c"], lines).parts)).toEqual([1, 3, 5]);
  });

  test("leaves out lines that nobody asked for and lines that cannot be read", () => {
    const { parts, counts } = fold(["a"], [answered("stranger"), undefined, answered("a")]);
    expect(counted(parts)).toEqual([2]);
    expect(counts).toEqual({
      lines: 3,
      answered: 1,
      failed: 0,
      repeated: 0,
      unknown: 1,
      unparseable: 1,
      missing: 0,
    });
  });

  test("names the requests that no line answered", () => {
    expect(fold(["a", "b", "c"], [answered("b")]).parts.at(-1)).toEqual({
      kind: "missing",
      customIds: ["a", "c"],
    });
  });

  test("an output in which nothing was asked for and nothing came has no parts", () => {
    expect(fold([], []).parts).toEqual([]);
  });

  test("cuts parts at their lines, at their bytes, and between two objects", () => {
    const ids = Array.from({ length: MAX_PART_LINES + 1 }, (_, number) => `id${number}`);
    const byLines = fold(ids, ids.map(answered)).parts;
    expect(byLines.map((part) => part.kind === "lines" && part.lines)).toEqual([MAX_PART_LINES, 1]);
    const byBytes = fold(["a", "b", "c"], ["a", "b", "c"].map(answered), MAX_PART_BYTES / 2).parts;
    expect(byBytes.map((part) => part.kind === "lines" && part.lines)).toEqual([2, 1]);
    const two = new SettlementFold(["a", "b"]);
    two.add("output", 10, answered("a"));
    two.add("errors", 12, failed("b"));
    expect(two.finish().parts).toMatchObject([
      { key: "output", offset: 0, length: 10 },
      { key: "errors", offset: 0, length: 12 },
    ]);
  });

  test("each expected request is counted once or missing, and the parts cover the output without a gap", () => {
    const ids = ["a", "b", "c", "d", "e"];
    const anyLine = fc.oneof(
      fc.constantFrom(...ids, "x", "y").map(answered),
      fc.constantFrom(...ids, "x").map(failed),
      fc.constant<SeenLine>(undefined),
    );
    fc.assert(
      fc.property(
        fc.array(anyLine, { maxLength: 60 }),
        fc.integer({ min: 1, max: MAX_PART_BYTES }),
        (lines, bytes) => {
          const { parts, counts } = fold(ids, lines, bytes);
          const kept = counted(parts).map((number) => lines[number]?.customId);
          const missing = parts.flatMap((part) => (part.kind === "missing" ? part.customIds : []));
          expect([...kept, ...missing].toSorted()).toEqual(ids);
          expect(counts.lines).toBe(lines.length);
          let end = 0;
          for (const part of parts) {
            if (part.kind === "missing") continue;
            expect(part.offset).toBe(end);
            end += part.length;
          }
          expect(end).toBe(lines.length * bytes);
        },
      ),
    );
  });
});
