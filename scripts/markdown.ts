/** A Markdown table with its columns in line, as the formatter leaves it. */
export function tableOf(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = titles.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(titles), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

/** `10,000`. */
export function thousands(value: number): string {
  return value.toLocaleString("en-US");
}

const BEGIN = "<!-- made by npm run pages: change scripts/, not these lines -->";
const END = "<!-- end of what is made -->";

/** The page with these figures between its marks. Throws an Error for a page without them. */
export function withFigures(page: string, figures: string): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error("the page has no place for its figures");
  return `${before}${BEGIN}\n\n${figures}\n\n${END}${after}`;
}
