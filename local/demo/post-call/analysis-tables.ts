import { type Analysis, analysisSchema } from "../../../lambdas/domain/post-call/analysis.ts";
import type { ResultMessage } from "../../../lambdas/domain/result-message.ts";
import { formatUsd } from "../../../lambdas/domain/money.ts";
import { table } from "../tables.ts";
import type { CacheUse } from "./cache-use.ts";

/** From here on somebody should call back. */
const HOT = 70;
const SHOWN = 12;
const SUMMARY_WIDTH = 72;

export type AnalysedCall = {
  readonly vertical: string;
  readonly callId: string;
  readonly analysis: Analysis;
  readonly result: ResultMessage;
};

/** The calls whose results hold an analysis. */
export function analysedCalls(results: Iterable<ResultMessage>): AnalysedCall[] {
  return [...results].flatMap((result) => {
    const analysis = analysisSchema.safeParse(result.response);
    if (result.status !== "succeeded" || !analysis.success) return [];
    const { callId } = result.metadata;
    const shown = typeof callId === "string" ? callId : "-";
    return [{ vertical: result.vertical ?? "-", callId: shown, analysis: analysis.data, result }];
  });
}

/** One row for each vertical: how its calls went, and what that cost. */
export function verticalTable(
  calls: readonly AnalysedCall[],
  cacheUse: ReadonlyMap<string, CacheUse>,
): string {
  const titles = [
    "vertical",
    "calls",
    "sentiment",
    "lead score",
    `${HOT} and up`,
    "cached",
    "cost",
    "a call",
  ];
  const made = table(titles, 1);
  for (const [vertical, own] of Map.groupBy(calls, (call) => call.vertical)) {
    const cost = own.reduce((sum, { result }) => sum + BigInt(result.costPicoUsd), 0n);
    made.push([
      vertical,
      String(own.length),
      signed(mean(own.map(({ analysis }) => analysis.sentiment))),
      mean(own.map(({ analysis }) => analysis.leadScore)).toFixed(0),
      String(own.filter(({ analysis }) => analysis.leadScore >= HOT).length),
      percent(cacheUse.get(vertical)),
      formatUsd(cost),
      formatUsd(cost / BigInt(own.length), 8),
    ]);
  }
  return made.toString();
}

/** The best leads first, each with the beginning of its summary. */
export function leadTable(calls: readonly AnalysedCall[]): string {
  const made = table(["call", "vertical", "summary", "sentiment", "lead score"], 3);
  const best = calls.toSorted((a, b) => b.analysis.leadScore - a.analysis.leadScore);
  for (const { callId, vertical, analysis } of best.slice(0, SHOWN)) {
    const { summary, sentiment, leadScore } = analysis;
    const shown = summary.length > SUMMARY_WIDTH ? `${summary.slice(0, SUMMARY_WIDTH - 1)}…` : summary;
    made.push([callId, vertical, shown, signed(sentiment), String(leadScore)]);
  }
  return made.toString();
}

/** What was refused or failed, by its reason; the empty text when nothing was. */
export function problemTable(results: Iterable<ResultMessage>): string {
  const problems = [...results].filter(({ status }) => status !== "succeeded");
  if (problems.length === 0) return "";
  const made = table(["status", "reason", "calls"], 2);
  const byReason = Map.groupBy(problems, ({ status, error }) => `${status} ${error?.code ?? "-"}`);
  for (const [reason, own] of byReason) made.push([...reason.split(" "), String(own.length)]);
  return made.toString();
}

function percent(use: CacheUse | undefined): string {
  if (use === undefined || use.cacheable === 0) return "-";
  return `${((100 * use.read) / use.cacheable).toFixed(1)} %`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function signed(value: number): string {
  return value.toLocaleString("en-US", {
    signDisplay: "exceptZero",
    minimumFractionDigits: 2,
    maximumFractionDigits: 2,
  });
}
