import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeLine, jsonLines, linesOf, lineText } from "../../../lambdas/domain/jsonl.ts";

/** Lines as they may stand in a file: JSON of any text, raw text with other line separators, and empty ones. */
const fileLine = fc.oneof(
  fc.string({ unit: "grapheme" }).map((text) => JSON.stringify({ text })),
  fc.constantFrom("", "a\u2028b\u2029c\u0085d\re", "é😀", "\r"),
);
const file = fc
  .tuple(fc.array(fileLine, { maxLength: 12 }), fc.boolean())
  .map(([lines, ended]) => lines.join("\n") + (ended && lines.length > 0 ? "\n" : ""));

function cut(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [...cuts.map((place) => place % (bytes.length + 1)), 0, bytes.length].sort((a, b) => a - b);
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

async function* streamOf(chunks: readonly Uint8Array[]) {
  yield* chunks;
}

async function collect(chunks: readonly Uint8Array[]) {
  const lines: { text: string; offset: number; length: number }[] = [];
  for await (const line of jsonLines(streamOf(chunks)))
    lines.push({ text: lineText(line), offset: line.offset, length: line.length });
  return lines;
}

describe("jsonLines", () => {
  test("gives the same lines however the bytes are cut, also inside a character", async () => {
    await fc.assert(
      fc.asyncProperty(file, fc.array(fc.nat(), { maxLength: 20 }), async (text, cuts) => {
        const bytes = Buffer.from(text);
        const lines = await collect(cut(bytes, cuts));
        expect(lines.map((line) => line.text)).toEqual(text.split("\n").filter((line) => line !== ""));
        for (const { text: line, offset, length } of lines) {
          expect(
            bytes
              .subarray(offset, offset + length)
              .toString()
              .replace(/\n$/, ""),
          ).toBe(line);
        }
        expect(linesOf(bytes).map((line) => lineText(line))).toEqual(lines.map((line) => line.text));
      }),
    );
  });

  test("ends a line at the line feed only", async () => {
    const lines = await collect([Buffer.from('{"a":"x\u2028y\u2029z\u0085"}\r\n{"b":1}')]);
    expect(lines.map((line) => line.text)).toEqual(['{"a":"x\u2028y\u2029z\u0085"}\r', '{"b":1}']);
  });

  test("counts line feeds and empty lines in offsets and lengths", async () => {
    expect(await collect([Buffer.from("\n\nab\n"), Buffer.from("\nc")])).toEqual([
      { text: "ab", offset: 2, length: 3 },
      { text: "c", offset: 6, length: 1 },
    ]);
  });

  test("joins a line of many chunks once", async () => {
    const chunks = Array.from({ length: 20_000 }, () => Buffer.alloc(100, "x"));
    const [line, ...rest] = await collect([...chunks, Buffer.from("\n")]);
    expect(rest).toEqual([]);
    expect(line).toMatchObject({ offset: 0, length: 2_000_001 });
  });
});

test("encodeLine writes one line that reads back", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const [line, ...rest] = linesOf(Buffer.from(encodeLine(value)));
      expect(rest).toEqual([]);
      expect(line && JSON.parse(lineText(line))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});
