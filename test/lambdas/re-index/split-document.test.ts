import fc from "fast-check";
import { countTokens } from "gpt-tokenizer/encoding/cl100k_base";
import { describe, expect, test } from "vitest";
import { htmlToMarkdown } from "../../../lambdas/domain/re-index/html-to-markdown.ts";
import { MAX_DOCUMENT_BYTES, readDocument } from "../../../lambdas/domain/re-index/read-document.ts";
import { sectionsOf } from "../../../lambdas/domain/re-index/sections.ts";
import { splitDocument } from "../../../lambdas/domain/re-index/split-document.ts";

const PROSE = Array.from(
  { length: 4000 },
  (_, number) => `word${number}${number % 12 === 11 ? "." : ""}`,
).join(" ");

describe("chunks", () => {
  test("have 512 tokens at most, overlap, and leave no word out", async () => {
    const chunks = await splitDocument(PROSE, false);
    expect(chunks.length).toBeGreaterThan(10);
    for (const { text } of chunks) expect(countTokens(text)).toBeLessThanOrEqual(520);
    const words = new Set(chunks.flatMap(({ text }) => text.match(/word\d+/g) ?? []));
    expect(words.size).toBe(4000);
    for (const [number, { text }] of chunks.slice(1).entries()) {
      const [first = ""] = text.match(/word\d+/) ?? [];
      expect(chunks[number]?.text).toContain(first);
    }
  });

  test("of a section do not depend on the sections around it", async () => {
    const hashes = async (text: string) => (await splitDocument(text, true)).map(({ hash }) => hash);
    const section = `## B\n\n${PROSE}\n\n`;
    const before = await hashes(`# A\n\nold\n\n${section}## C\n\nend`);
    const after = await hashes(`# A\n\nnew, and longer\n\n${section}## C\n\nend`);
    expect(after.slice(1)).toEqual(before.slice(1));
    expect(after[0]).not.toBe(before[0]);
  });

  test("of a text that is one word of a megabyte come in time", { timeout: 60_000 }, async () => {
    const chunks = await splitDocument("a".repeat(1024 * 1024), true);
    expect(chunks.length).toBeGreaterThan(100);
    for (const { text } of chunks) expect(text.length).toBeLessThan(10_000);
  });

  test("whatever the text, hold all of it that is not space", async () => {
    const text = fc.string({ unit: fc.constantFrom("# ", "\n", "x", "```", "é", "🙂", "- ", "=", " ", "|") });
    await fc.assert(
      fc.asyncProperty(text, async (document) => {
        const chunks = await splitDocument(document, false);
        const kept = chunks.map((chunk) => chunk.text).join("");
        expect(kept.replaceAll(/\s/g, "")).toBe(document.replaceAll(/\s/g, ""));
      }),
    );
  });
});

describe("sections", () => {
  test("stand under all of their headings", () => {
    expect(sectionsOf("intro\n# A\none\n## B ##\ntwo\n### C\n# D\nthree\n\nE\n---\nfour")).toEqual([
      { headings: [], text: "intro" },
      { headings: ["A"], text: "one" },
      { headings: ["A", "B"], text: "two" },
      { headings: ["A", "B"], text: "C" },
      { headings: ["D"], text: "three" },
      { headings: ["D", "E"], text: "four" },
    ]);
  });

  test.each([
    ["a comment in code", "```sh\n# no heading\n```"],
    ["a tag", "#no-heading"],
    ["a table", "| a | b |\n---|---"],
    ["a rule after a paragraph's second line", "one\ntwo\n---"],
  ])("are not made of %s", (_, text) => {
    expect(sectionsOf(text)).toEqual([{ headings: [], text }]);
  });
});

describe("pages", () => {
  test("keep their words and lose their markup", () => {
    expect(htmlToMarkdown("<h2>A <i>b</i></h2><ul><li>one<li>two</ul>x<br>y<table><tr><td>1<td>2")).toBe(
      "## A b\n\n- one\n\n- two\n\nx\n\ny\n\n1 | 2",
    );
  });

  test("nested a hundred thousand times are read in time", { timeout: 30_000 }, () => {
    expect(htmlToMarkdown(`${"<div>".repeat(100_000)}deep`)).toBe("deep");
  });

  test("whose text looks like a heading or a fence keep it as text", () => {
    expect(htmlToMarkdown("<h1>A</h1><p># b</p><p>```</p>")).toBe("# A\n\n\\# b\n\n\\```");
  });

  test("whose scripts never end, or end too often, give no script away", () => {
    expect(htmlToMarkdown("<p>a</p><script>evil()")).toBe("a");
    expect(htmlToMarkdown("</script></style><p>a</p>")).toBe("a");
  });
});

test("a document of the most bytes is read, one of a byte more is not", () => {
  const bytes = new Uint8Array(MAX_DOCUMENT_BYTES + 1).fill(97);
  expect(readDocument("a.txt", bytes.subarray(1)).kind).toBe("text");
  expect(readDocument("a.txt", bytes)).toMatchObject({ kind: "refused", refusal: { code: "too_large" } });
});
