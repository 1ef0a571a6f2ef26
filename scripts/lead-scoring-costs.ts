import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { costOf } from "../lambdas/domain/cost.ts";
import { leadScoringPolicySchema } from "../lambdas/domain/lead-scoring/lead-scoring-policy.ts";
import { formatUsd, type PicoUsd } from "../lambdas/domain/money.ts";
import { findPrice } from "../lambdas/domain/prices.ts";
import { NO_USAGE } from "../lambdas/domain/usage.ts";
import type { Lane } from "../lambdas/domain/vocabulary.ts";

/** Where the page lies in the repository. */
export const PAGE_PATH = join(import.meta.dirname, "../docs/workloads/lead-scoring.md");

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

/** The table of the page, in Markdown as the formatter leaves it. */
export function leadScoringCosts(): string {
  const steps = assumedSteps();
  const sum = (lane: Lane) => steps.reduce((total, step) => total + priceOf(step, lane), 0n);
  const count = (number: number) => number.toLocaleString("en-US");
  const rows = [
    ...steps.map((step) => [
      step.name,
      `\`${step.model}\``,
      count(step.jobs),
      count(step.inputTokens),
      count(step.outputTokens),
      formatUsd(priceOf(step, "batch"), 2),
      formatUsd(priceOf(step, "sync"), 2),
    ]),
    ["a day", "", "", "", "", formatUsd(sum("batch"), 2), formatUsd(sum("sync"), 2)],
  ];
  const titles = ["", "model", "jobs", "tokens in, each", "tokens out, each", "in batches", "at once"];
  const widths = titles.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(titles), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

const BETWEEN = /(?<=<!-- costs -->\n\n)[\s\S]*?(?=\n\n<!-- \/costs -->)/;

/** The page with the table as it should be. */
export function withCosts(page: string): string {
  return page.replace(BETWEEN, () => leadScoringCosts());
}

if (process.argv[1] === import.meta.filename)
  writeFileSync(PAGE_PATH, withCosts(readFileSync(PAGE_PATH, "utf8")));
