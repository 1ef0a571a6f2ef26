import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LedgerEntry } from "../../../lambdas/domain/ledger-entry.ts";
import { NO_COST, sumOf } from "../../../lambdas/domain/ledger-sum.ts";
import { NO_USAGE } from "../../../lambdas/domain/usage.ts";

function entry(kind: LedgerEntry["kind"], cost: bigint, jobs = 1): LedgerEntry {
  return {
    version: 1,
    tenantId: "acme" as LedgerEntry["tenantId"],
    entryId: "2026-11-21#x",
    kind,
    date: "2026-11-21",
    vertical: "salon",
    agentId: "desk",
    taskType: "post_call_summary",
    provider: "openai",
    model: "gpt-5-nano",
    lane: "batch",
    batchId: null,
    providerBatchId: null,
    jobs,
    answers: 1,
    usage: { ...NO_USAGE, inputTokens: 3, cachedInputTokens: 5, cacheWrite1hTokens: 7, outputTokens: 2 },
    costPicoUsd: cost.toString(),
    syncCostPicoUsd: (cost * 2n).toString(),
  };
}

const anyEntry = fc
  .tuple(
    fc.constantFrom("batch" as const, "direct" as const, "unconfirmed" as const),
    fc.bigInt(0n, 10n ** 20n),
  )
  .map(([kind, cost]) => entry(kind, cost));

describe("the sum of ledger entries", () => {
  test("is exact beyond what a JSON number holds, in any order", () => {
    fc.assert(
      fc.property(fc.array(anyEntry), (entries) => {
        const expected = entries.reduce((sum, one) => sum + BigInt(one.costPicoUsd), 0n);
        expect(sumOf(entries)).toMatchObject({ cost: expected, syncCost: expected * 2n });
        expect(sumOf(entries.toReversed())).toEqual(sumOf(entries));
      }),
    );
  });

  test("without routing: an alias' default model where there was one, the model itself elsewhere", () => {
    const routed = { ...entry("batch", 10n), defaultModelCostPicoUsd: "500" };
    expect(sumOf([routed, entry("direct", 10n)])).toMatchObject({ syncCost: 40n, defaultModelCost: 520n });
  });

  test("tells estimates of lost calls apart, and counts input read from or written to a cache", () => {
    expect(sumOf([])).toEqual(NO_COST);
    expect(sumOf([entry("direct", 10n), entry("unconfirmed", 4n, 0)])).toEqual({
      jobs: 1,
      answers: 2,
      inputTokens: 30,
      outputTokens: 4,
      cost: 14n,
      syncCost: 28n,
      defaultModelCost: 28n,
      unconfirmed: 4n,
    });
  });
});
