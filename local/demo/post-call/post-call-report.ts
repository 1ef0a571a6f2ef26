import { sumOf } from "../../../lambdas/domain/ledger-sum.ts";
import { formatUsd } from "../../../lambdas/domain/money.ts";
import type { Caching } from "../../../lambdas/domain/post-call/prompt-caching.ts";
import type { ResultMessage } from "../../../lambdas/domain/result-message.ts";
import type { TenantPolicy } from "../../../lambdas/domain/tenant-policy.ts";
import type { Figures } from "../figures.ts";
import { batchTable } from "../tables.ts";
import { type AnalysedCall, leadTable, problemTable, verticalTable } from "./analysis-tables.ts";
import { type CacheUse, cacheUseOf, simulatedCaching } from "./cache-use.ts";

/** What was sent and what came back. */
type Found = {
  readonly sent: ReadonlySet<string>;
  readonly results: ReadonlyMap<string, ResultMessage>;
  /** Results that another tenant than their own read. */
  readonly strays: number;
  readonly seconds: number;
};

export type PostCallReport = {
  readonly calls: number;
  readonly analysed: number;
  readonly lost: number;
  /** By vertical: what its instructions allow, and what was read of it. */
  readonly caching: Readonly<Record<string, Caching & { readonly used: CacheUse }>>;
  readonly cachedShare: number | null;
  readonly costPicoUsd: string;
  readonly syncCostPicoUsd: string;
  readonly invoicePicoUsd: string;
  readonly seconds: number;
};

/** The figures of a run, and what is wrong with them in words. */
export function postCallReport(
  { sent, results, strays, seconds }: Found,
  figures: Figures,
  policies: readonly TenantPolicy[],
): { readonly report: PostCallReport; readonly faults: readonly string[] } {
  const answered = [...results].filter(([key]) => sent.has(key)).map(([, result]) => result);
  const succeeded = answered.filter(({ status }) => status === "succeeded");
  const { cost, syncCost, unconfirmed } = sumOf(figures.entries);
  const caching = Object.fromEntries(
    policies.flatMap(({ tenantId, workloads: { postCall } }) => {
      const own = succeeded.filter((result) => result.tenantId === tenantId);
      if (postCall === undefined || own.length === 0) return [];
      const possible = simulatedCaching(postCall);
      return [[postCall.vertical, { ...possible, used: cacheUseOf(own, possible) }] as const];
    }),
  );
  const report: PostCallReport = {
    calls: sent.size,
    analysed: succeeded.length,
    lost: sent.size - answered.length,
    caching,
    cachedShare: shareOf(Object.values(caching).map(({ used }) => used)),
    costPicoUsd: (cost - unconfirmed).toString(),
    syncCostPicoUsd: syncCost.toString(),
    invoicePicoUsd: figures.invoicePicoUsd,
    seconds,
  };
  const faults = [
    ...(report.lost > 0 ? [`${report.lost} calls have no result`] : []),
    ...(answered.length > succeeded.length ? ["some calls were not analysed"] : []),
    ...(strays > 0 ? [`${strays} results reached another tenant's queue`] : []),
    ...(report.costPicoUsd === report.invoicePicoUsd
      ? []
      : [`the ledger says ${report.costPicoUsd} pico-dollars, the provider ${report.invoicePicoUsd}`]),
    ...figures.denials.map((denial) => `a function was denied ${denial}`),
  ];
  return { report, faults };
}

function shareOf(uses: readonly CacheUse[]): number | null {
  const sum = (of: (use: CacheUse) => number) => uses.reduce((total, use) => total + of(use), 0);
  const cacheable = sum((use) => use.cacheable);
  return cacheable === 0 ? null : sum((use) => use.read) / cacheable;
}

/** Prints a run as a person wants to see it: the calls first, then the money. */
export function printPostCall(
  report: PostCallReport,
  figures: Figures,
  calls: readonly AnalysedCall[],
  results: Iterable<ResultMessage>,
): void {
  const cacheUse = new Map(Object.entries(report.caching).map(([vertical, { used }]) => [vertical, used]));
  const problems = problemTable(results);
  const sections = [
    ["The calls by vertical", verticalTable(calls, cacheUse)],
    ["The best leads (the simulator's scores are drawn from a hash of each call)", leadTable(calls)],
    ...(problems === "" ? [] : [["What was not analysed", problems]]),
    ["The provider batches", batchTable(figures.batches)],
  ];
  for (const [title, text] of sections) console.log(`\n${title}\n${text}`);
  for (const [vertical, caching] of Object.entries(report.caching))
    if (caching.kind === "uncacheable") console.log(`\nUncacheable: ${vertical}: ${caching.reason}`);
  const { cachedShare, costPicoUsd, syncCostPicoUsd, analysed } = report;
  const cached =
    cachedShare === null
      ? ""
      : `; ${(100 * cachedShare).toFixed(1)} % of the instructions came from the cache`;
  console.log(`
${analysed} calls analysed for ${formatUsd(BigInt(costPicoUsd))}, ${formatUsd(BigInt(syncCostPicoUsd))} at once${cached}.`);
}
