import { costOf } from "../lambdas/domain/cost.ts";
import { formatUsd } from "../lambdas/domain/money.ts";
import { NO_USAGE } from "../lambdas/domain/usage.ts";
import { PRICE_TABLE } from "../lambdas/domain/price-table.ts";
import type { Lane } from "../lambdas/domain/vocabulary.ts";
import { tableOf, thousands } from "./markdown.ts";

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

/** The costs by the price table as it is now. */
export function reIndexFigures(): string {
  const rows = MODELS.map((model) => {
    const [batch, sync] = [dayOfTokens(model, "batch"), dayOfTokens(model, "sync")];
    return [model, formatUsd(batch), formatUsd(sync), formatUsd(batch / 100n)];
  });
  return [
    `${thousands(DOCUMENTS)} documents a day, ${thousands(TOKENS)} embedded tokens each:`,
    tableOf(["model", "through batches", "at once", "when 1 % change"], rows),
  ].join("\n\n");
}
