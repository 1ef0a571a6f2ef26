import Table from "cli-table3";

/** What a command found, for a machine (`--json`) and for a person. */
export type Report = {
  readonly data: unknown;
  readonly text: string;
  /** What it found is not as it should be: the tool ends with exit code 1. */
  readonly failed?: boolean;
};

type Column = { readonly title: string; readonly align?: "left" | "right" };

/** A table of text without colours, so that it is the same in a terminal, a file and a test. */
export function textTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: columns.map(({ title }) => title),
    colAligns: columns.map(({ align = "left" }) => align),
    style: { head: [], border: [], compact: true },
  });
  table.push(...rows.map((row) => [...row]));
  return table.toString();
}

/** Fields of one thing, one a line. Null and undefined show as a dash. */
export function fieldList(fields: Readonly<Record<string, unknown>>): string {
  const width = Math.max(...Object.keys(fields).map((name) => name.length));
  return Object.entries(fields)
    .map(([name, value]) => `${name.padEnd(width)}  ${fieldText(value)}`)
    .join("\n");
}

function fieldText(value: unknown): string {
  if (value === null || value === undefined) return "-";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** `2026-11-21 12:00:05` in UTC. */
export function timeText(instant: number | null): string {
  return instant === null ? "-" : new Date(instant).toISOString().slice(0, 19).replace("T", " ");
}

/** `1,234,567`. */
export function countText(count: number): string {
  return count.toLocaleString("en-US");
}
