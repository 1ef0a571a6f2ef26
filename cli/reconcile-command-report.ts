import { formatUsd } from "../lambdas/domain/money.ts";
import type { ChargeDifference, ChargeSum } from "../lambdas/domain/reconciliation.ts";
import type { JobProblem } from "../lambdas/domain/settled-job.ts";
import type { Difference, Reconciliation } from "../lambdas/reconcile-batches/reconciliation-report.ts";
import { countText, fieldList } from "./report.ts";

/** Decimals of a dollar that show a pico-dollar: two amounts that differ must not look alike. */
const EXACT = 12;

/** A reconciliation for machines; amounts in pico-dollars, as text. */
export function reconciliationJson(reconciliation: Reconciliation, open: number): unknown {
  const { batches, cost, differences, unconfirmed } = reconciliation;
  return {
    batches,
    open,
    costPicoUsd: cost.toString(),
    differences: differences.map(differenceJson),
    unconfirmed: unconfirmed.map(({ cost, ...of }) => ({ ...of, costPicoUsd: cost.toString() })),
  };
}

function differenceJson(difference: Difference): unknown {
  switch (difference.kind) {
    case "charge": {
      const { kind, key, expected, found } = difference;
      return { kind, ...key, expected: sumJson(expected), found: sumJson(found) };
    }
    case "unknown-batch": {
      const { cost, ...of } = difference;
      return { ...of, foundPicoUsd: cost.toString() };
    }
    case "jobs":
    case "unreadable":
      return difference;
  }
}

function sumJson({ cost, syncCost, ...counts }: ChargeSum): unknown {
  return { ...counts, costPicoUsd: cost.toString(), syncCostPicoUsd: syncCost.toString() };
}

/** A reconciliation for a person: every difference, then what else is to be known, then the sum. */
export function reconciliationText(reconciliation: Reconciliation, open: number): string {
  const { batches, cost, differences, unconfirmed } = reconciliation;
  const paragraphs = differences.map(differenceText);
  for (const { batchId, tenantId, cost } of unconfirmed) {
    paragraphs.push(
      `${batchId}, ${tenantId}: ${formatUsd(cost, EXACT)} is an estimate, for answers that nobody can read any more. Compare it with the provider's bill.`,
    );
  }
  if (open > 0) paragraphs.push(`${numbered(open, "open batch", "open batches")} left out.`);
  const found =
    differences.length === 0 ? "no differences" : numbered(differences.length, "difference", "differences");
  paragraphs.push(`${numbered(batches, "batch", "batches")}, sum ${formatUsd(cost, EXACT)}, ${found}`);
  return paragraphs.join("\n\n");
}

function numbered(count: number, one: string, many: string): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}

function differenceText(difference: Difference): string {
  const { kind, batchId } = difference;
  switch (kind) {
    case "charge":
      return chargeText(difference);
    case "jobs": {
      const { problem, count, jobs } = difference;
      const named = jobs.map(({ tenantId, jobId }) => `  ${tenantId} ${jobId}`);
      const more = count > jobs.length ? [`  and ${countText(count - jobs.length)} more`] : [];
      return [`${batchId}: ${numbered(count, "job", "jobs")} ${PROBLEMS[problem]}`, ...named, ...more].join(
        "\n",
      );
    }
    case "unreadable":
      return `${batchId}: cannot be compared: ${difference.reason}`;
    case "unknown-batch":
      return `${batchId}: ${difference.tenantId} was charged ${formatUsd(difference.cost, EXACT)} for it, and there is no such batch`;
  }
}

const PROBLEMS: Readonly<Record<JobProblem, string>> = {
  missing: "that the job map does not know",
  unended: "that neither ended nor moved on",
  "answer-lost": "that the batch answered, and that count as failed",
  "answer-invented": "that succeeded by this batch, which has no answer for them",
  "other-cost": "whose cost is another in the job map than by the answer",
};

function chargeText({ batchId, key, expected, found }: Extract<Difference, { kind: "charge" }>): string {
  const { tenantId, vertical, agentId, taskType, model, date, providerBatchId } = key;
  const tags = `${vertical} / ${agentId} / ${taskType} / ${model}`;
  const head = `${batchId}, ${tenantId}: the ledger differs for ${tags}, ${date}, ${providerBatchId ?? "-"}`;
  const rows = Object.fromEntries(
    Object.entries(amountsOf(expected)).flatMap(([name, amount]) => {
      const other = amountsOf(found)[name];
      return other === amount ? [] : [[name, `expected ${amount}, found ${other}`]];
    }),
  );
  return `${head}\n${fieldList(rows).replaceAll(/^/gm, "  ")}`;
}

function amountsOf(sum: ChargeDifference["found"]): Record<string, string> {
  const { answers, jobs, usage, cost, syncCost } = sum;
  return {
    cost: formatUsd(cost, EXACT),
    "cost at once": formatUsd(syncCost, EXACT),
    answers: countText(answers),
    "jobs ended": countText(jobs),
    "input tokens": countText(usage.inputTokens),
    "cached input tokens": countText(usage.cachedInputTokens),
    "cache write tokens, short": countText(usage.cacheWrite5mTokens),
    "cache write tokens, long": countText(usage.cacheWrite1hTokens),
    "output tokens": countText(usage.outputTokens),
    "reasoning tokens": countText(usage.reasoningTokens),
  };
}
