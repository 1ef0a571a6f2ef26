import { Parser } from "htmlparser2";

/** What is not text to read. */
const SILENT: ReadonlySet<string> = new Set([
  "script",
  "style",
  "template",
  "noscript",
  "iframe",
  "object",
  "svg",
  "canvas",
  "head",
]);
const HEADINGS: Readonly<Record<string, number>> = { h1: 1, h2: 2, h3: 3, h4: 4, h5: 5, h6: 6 };
/** Run on in a line; everything else begins one. */
const INLINE: ReadonlySet<string> = new Set(
  "a abbr b bdi bdo cite code data dfn em font i kbd label mark q s samp small span strong sub sup time u var wbr".split(
    " ",
  ),
);

/** Of a table: those of a row stand in one line. */
const CELLS: ReadonlySet<string> = new Set(["td", "th"]);

/**
 * The text of a page as people read it, its headings as Markdown's. In one pass and in time linear in the page's length,
 * however it is nested. What looks like Markdown in the page's text stands as it is.
 */
export function htmlToMarkdown(html: string): string {
  const lines: string[] = [];
  let line = "";
  let mark = "";
  let silent = 0;
  const endLine = () => {
    const text = line.replaceAll(/\s+/g, " ").trim();
    // What only looks like a heading is text.
    lines.push(`${mark}${text.replace(/^(?=[#`~])/, "\\")}`.trim());
    line = "";
    mark = "";
  };
  const parser = new Parser(
    {
      onopentag: (name) => {
        if (SILENT.has(name)) silent += 1;
        if (CELLS.has(name)) {
          if (line !== "") line += " | ";
          return;
        }
        if (INLINE.has(name)) return;
        endLine();
        const level = HEADINGS[name];
        if (level !== undefined && silent === 0) mark = `${"#".repeat(level)} `;
        else if (name === "li" && silent === 0) mark = "- ";
      },
      ontext: (text) => {
        if (silent === 0) line += text;
      },
      onclosetag: (name) => {
        if (SILENT.has(name)) silent -= 1;
        if (INLINE.has(name) || CELLS.has(name)) return;
        endLine();
        lines.push("");
      },
    },
    { decodeEntities: true },
  );
  parser.end(html);
  endLine();
  return lines
    .filter((text) => !/^(#{1,6}|-)$/.test(text))
    .join("\n")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trim();
}
