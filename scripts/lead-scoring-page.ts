import { costOf } from "../lambdas/domain/cost.ts";
import { leadScoringPolicySchema } from "../lambdas/domain/lead-scoring/lead-scoring-policy.ts";
import { formatUsd, type PicoUsd } from "../lambdas/domain/money.ts";
import { findPrice } from "../lambdas/domain/prices.ts";
import { NO_USAGE } from "../lambdas/domain/usage.ts";
import type { Lane } from "../lambdas/domain/vocabulary.ts";
import { tableOf, thousands } from "./markdown.ts";

/** The day whose prices the page shows. */
const PRICED_ON = "2026-11-22";

type Step = {
  readonly name: string;
  readonly model: string;
  readonly jobs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
};

/** What the page assumes; the models are the policy's own defaults. */
function assumedSteps(): Step[] {
  const { scoring, drafting } = leadScoringPolicySchema.parse({});
  return [
    { name: "scores", model: scoring.model, jobs: 10_000, inputTokens: 600, outputTokens: 60 },
    { name: "drafts", model: drafting.model, jobs: 2_000, inputTokens: 650, outputTokens: 350 },
  ];
}

function priceOf({ model, jobs, inputTokens, outputTokens }: Step, lane: Lane): PicoUsd {
  const price = findPrice(model, lane, Date.parse(PRICED_ON));
  if (price === undefined) throw new Error(`${model} has no price in ${lane} on ${PRICED_ON}`);
  return BigInt(jobs) * costOf({ ...NO_USAGE, inputTokens, outputTokens }, price);
}

/** The costs by the price table as it is now. */
export function leadScoringFigures(): string {
  const steps = assumedSteps();
  const sum = (lane: Lane) => steps.reduce((total, step) => total + priceOf(step, lane), 0n);
  const rows = [
    ...steps.map((step) => [
      step.name,
      `\`${step.model}\``,
      thousands(step.jobs),
      thousands(step.inputTokens),
      thousands(step.outputTokens),
      formatUsd(priceOf(step, "batch"), 2),
      formatUsd(priceOf(step, "sync"), 2),
    ]),
    ["a day", "", "", "", "", formatUsd(sum("batch"), 2), formatUsd(sum("sync"), 2)],
  ];
  const titles = ["", "model", "jobs", "tokens in, each", "tokens out, each", "in batches", "at once"];
  return tableOf(titles, rows);
}
