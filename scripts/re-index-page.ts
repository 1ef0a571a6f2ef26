import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { costOf } from "../lambdas/domain/cost.ts";
import { formatUsd } from "../lambdas/domain/money.ts";
import { NO_USAGE } from "../lambdas/domain/usage.ts";
import { PRICE_TABLE } from "../lambdas/domain/price-table.ts";
import type { Lane } from "../lambdas/domain/vocabulary.ts";

/** Where the page lies in the repository. */
export const PAGE_PATH = join(import.meta.dirname, "../docs/workloads/re-index.md");

const BEGIN = "<!-- made by scripts/re-index-page.ts: change that, not these lines -->";
const END = "<!-- end -->";

const MODELS = ["text-embedding-3-small", "text-embedding-3-large"] as const;

/** New or changed documents a day, and the tokens that are embedded of each: two chunks of the longest. */
const DOCUMENTS = 10_000;
const TOKENS = 1_024;

/** What providers take for a day's documents. Throws an Error for a model without a price. */
export function dayOfTokens(model: string, lane: Lane, documents = DOCUMENTS): bigint {
  const row = PRICE_TABLE.findLast((each) => each.model === model && each.lane === lane);
  if (!row) throw new Error(`no price of ${model} in the lane ${lane}`);
  return costOf({ ...NO_USAGE, inputTokens: documents * TOKENS }, row);
}

/** The page with its figures as the price table has them now. Throws an Error when it has no place for them. */
export function withFigures(page: string): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error("the page has no place for its figures");
  return `${before}${BEGIN}\n\n${figures()}\n\n${END}${after}`;
}

function figures(): string {
  const rows = MODELS.map((model) => {
    const [batch, sync] = [dayOfTokens(model, "batch"), dayOfTokens(model, "sync")];
    return [model, formatUsd(batch), formatUsd(sync), formatUsd(batch / 100n)];
  });
  const titles = ["model", "through batches", "at once", "when 1 % change"];
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [
    `${DOCUMENTS.toLocaleString("en-US")} documents a day, ${TOKENS.toLocaleString("en-US")} embedded tokens each:`,
    [line(titles), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n"),
  ].join("\n\n");
}

if (process.argv[1] === import.meta.filename)
  writeFileSync(PAGE_PATH, withFigures(readFileSync(PAGE_PATH, "utf8")));
