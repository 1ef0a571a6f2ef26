/** A stretch of a document under one heading. */
export type Section = {
  /** The headings that it stands under, the outermost first; its own is the last. */
  readonly headings: readonly string[];
  readonly text: string;
};

/** Characters of a heading that are kept: it goes before every chunk below it. */
const HEADING_CHARACTERS = 120;

/** Cuts Markdown at its headings (`#` and underlined ones); what stands in a fence of code is no heading. */
export function sectionsOf(markdown: string): Section[] {
  const sections: Section[] = [];
  const path: { readonly level: number; readonly title: string }[] = [];
  let lines: string[] = [];
  let fence: string | undefined;
  let isBare = false;
  const endSection = (nextLevel: number) => {
    const text = lines.join("\n").trim();
    const headings = path.map(({ title }) => title);
    if (text !== "") sections.push({ headings, text });
    else if (isBare && nextLevel <= (path.at(-1)?.level ?? 0)) {
      // A heading with nothing below it is text like any other.
      sections.push({ headings: headings.slice(0, -1), text: headings.at(-1) ?? "" });
    }
    lines = [];
    isBare = false;
  };
  const begin = (level: number, title: string) => {
    endSection(level);
    while ((path.at(-1)?.level ?? 0) >= level) path.pop();
    if (title === "") return;
    path.push({ level, title: title.slice(0, HEADING_CHARACTERS) });
    isBare = true;
  };
  for (const line of markdown.split("\n")) {
    const mark = /^ {0,3}(```+|~~~+)/.exec(line)?.[1];
    if (mark !== undefined && (fence === undefined || mark.startsWith(fence)))
      fence = fence === undefined ? mark : undefined;
    const heading = fence === undefined && mark === undefined ? headingOf(line) : undefined;
    const above = lines.at(-1)?.trim() ?? "";
    const underline = fence === undefined ? /^ {0,3}(=+|-{2,})\s*$/.exec(line)?.[1] : undefined;
    if (heading) {
      begin(heading.level, heading.title);
    } else if (underline !== undefined && isTitle(above, lines.at(-2))) {
      lines.pop();
      begin(underline.startsWith("=") ? 1 : 2, above);
    } else {
      lines.push(line);
    }
  }
  endSection(0);
  return sections;
}

function headingOf(line: string): { readonly level: number; readonly title: string } | undefined {
  const marks = /^ {0,3}(#{1,6})(?=[ \t]|$)/.exec(line);
  if (!marks) return undefined;
  const title = line.slice(marks[0].length).trim();
  return { level: marks[1]?.length ?? 1, title: withoutClosingMarks(title) };
}

/** `Title ##` → `Title`. */
function withoutClosingMarks(title: string): string {
  let end = title.length;
  while (title[end - 1] === "#") end -= 1;
  return end === 0 || /\s/.test(title[end - 1] ?? "") ? title.slice(0, end).trim() : title;
}

/** A line of its own, and not the last row of a table or item of a list. */
function isTitle(line: string, before: string | undefined): boolean {
  return line !== "" && !/^[-*+>|]|\|/.test(line) && (before ?? "").trim() === "";
}
