import type { IndexManifest } from "../../../client/index.ts";
import { sumOf } from "../../../lambdas/domain/ledger-sum.ts";
import type { Figures } from "../figures.ts";

/** One change of the documents: what the index was after it, and how many texts were embedded for it. */
export type Round = {
  readonly what: string;
  readonly manifest: IndexManifest;
  readonly embedded: number;
};

type Run = {
  readonly rounds: readonly Round[];
  readonly figures: Figures;
  /** Pico-dollars that the simulated provider has billed. */
  readonly invoice: string;
  readonly changed: string;
  readonly seconds: number;
};

export type ReIndexReport = {
  readonly documents: number;
  readonly chunks: number;
  readonly refused: number;
  /** Texts by round. */
  readonly embedded: readonly number[];
  readonly costPicoUsd: string;
  readonly syncCostPicoUsd: string;
  readonly invoicePicoUsd: string;
  readonly seconds: number;
};

export function chunksOf({ documents }: IndexManifest): number {
  return documents.reduce((sum, { chunks }) => sum + chunks, 0);
}

/** The figures of a run, and what is wrong with them in words. */
export function reIndexOutcome({ rounds, figures, invoice, changed, seconds }: Run): {
  readonly report: ReIndexReport;
  readonly faults: readonly string[];
} {
  const { cost, syncCost, unconfirmed } = sumOf(figures.entries);
  const [first, last] = [rounds[0]?.manifest, rounds.at(-1)?.manifest];
  const report: ReIndexReport = {
    documents: last?.documents.length ?? 0,
    chunks: last ? chunksOf(last) : 0,
    refused: last?.problems.length ?? 0,
    embedded: rounds.map(({ embedded }) => embedded),
    costPicoUsd: (cost - unconfirmed).toString(),
    syncCostPicoUsd: syncCost.toString(),
    invoicePicoUsd: invoice,
    seconds,
  };
  const ofChanged = last?.documents.find(({ source }) => source === changed)?.chunks ?? 0;
  const again = rounds.at(-1)?.embedded ?? 0;
  const faults = [
    ...(first && first.documents.length === 0 ? ["no document came into the index"] : []),
    ...(again > ofChanged ? [`${again} texts were embedded again for a document of ${ofChanged}`] : []),
    ...(report.costPicoUsd === invoice
      ? []
      : [`the ledger says ${report.costPicoUsd} pico-dollars, the provider ${invoice}`]),
    ...figures.denials.map((denial) => `a function was denied ${denial}`),
  ];
  return { report, faults };
}
