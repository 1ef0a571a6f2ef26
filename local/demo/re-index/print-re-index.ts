import path from "node:path";
import type { SearchHit } from "../../../client/index.ts";
import { formatUsd } from "../../../lambdas/domain/money.ts";
import type { Figures } from "../figures.ts";
import { batchTable, table } from "../tables.ts";
import { chunksOf, type ReIndexReport, type Round } from "./re-index-report.ts";

type Search = { readonly query: string; readonly hits: readonly SearchHit[] };

const TEXT_WIDTH = 60;
const PLACE_WIDTH = 46;

/** Prints a run as a person wants to see it: what the index became, what it answers, and the money. */
export function printReIndex(
  report: ReIndexReport,
  figures: Figures,
  rounds: readonly Round[],
  searches: readonly Search[],
  logs: string,
): void {
  const problems = rounds.at(-1)?.manifest.problems ?? [];
  const sections = [
    ["What became of the index", roundTable(rounds)],
    ...(problems.length === 0 ? [] : [["What was refused", problemTable(problems)]]),
    ...searches.map(({ query, hits }) => [`“${query}”`, hitTable(hits)]),
    ["The provider batches", batchTable(figures.batches)],
  ];
  for (const [title, text] of sections) console.log(`\n${title}\n${text}`);
  const cost = formatUsd(BigInt(report.costPicoUsd), 8);
  const syncCost = formatUsd(BigInt(report.syncCostPicoUsd), 8);
  console.log(`
${report.documents} documents of ${report.chunks} chunks for ${cost}, ${syncCost} at once; the queries are among it.
Each question was asked of the stand-in for S3 Vectors and, exactly, of the files: the same was found.
(The simulator's vectors are made of the words of a text: hits share words with the query, not its meaning.)
The functions' logs: ${path.relative(process.cwd(), logs)}
Took ${report.seconds.toFixed(1)} s.`);
}

function roundTable(rounds: readonly Round[]): string {
  const made = table(["what happens", "documents", "chunks", "texts embedded"], 1);
  for (const { what, manifest, embedded } of rounds)
    made.push([what, String(manifest.documents.length), String(chunksOf(manifest)), String(embedded)]);
  return made.toString();
}

function hitTable(hits: readonly SearchHit[]): string {
  const made = table(["source", "under", "text", "current until", "score"], 4);
  for (const { source, headings, text, score, effectiveUntil } of hits)
    made.push([
      source,
      cut(headings.join(" > "), PLACE_WIDTH),
      cut(text.replaceAll(/\s+/g, " "), TEXT_WIDTH),
      effectiveUntil?.slice(0, 10) ?? "-",
      score.toFixed(3),
    ]);
  return made.toString();
}

function problemTable(problems: Round["manifest"]["problems"]): string {
  const made = table(["source", "code", "why"], 3);
  for (const { source, code, message } of problems) made.push([source, code, message]);
  return made.toString();
}

function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text;
}
