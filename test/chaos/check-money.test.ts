import { describe, expect, test } from "vitest";
import { type LedgerEntry, ledgerEntrySchema } from "../../lambdas/domain/ledger-entry.ts";
import { type InvoiceLine, NO_USAGE } from "../../local/provider-simulator/invoice.ts";
import { moneyFaults } from "./check-money.ts";

let entryNumber = 0;
function entry(kind: LedgerEntry["kind"], costPicoUsd: string, batch: string | null = null): LedgerEntry {
  entryNumber += 1;
  return ledgerEntrySchema.parse({
    version: 1,
    tenantId: "acme",
    entryId: `2026-01-01#${entryNumber}`,
    kind,
    date: "2026-01-01",
    vertical: "salon",
    agentId: "front-desk",
    taskType: "email_draft",
    provider: "openai",
    model: "gpt-5-nano",
    lane: batch === null ? "sync" : "batch",
    batchId: batch,
    providerBatchId: batch,
    jobs: 1,
    answers: 1,
    usage: {},
    costPicoUsd,
    syncCostPicoUsd: costPicoUsd,
  });
}

function line(picoUsd: string, batchId: string | null = null): InvoiceLine {
  return {
    provider: "openai",
    batchId,
    requestId: `request-${picoUsd}`,
    customId: null,
    picoUsd,
    model: "gpt-5-nano-2025-08-07",
    service: batchId === null ? "sync" : "batch",
    usage: NO_USAGE,
    at: "",
  };
}

describe("the money of a run", () => {
  test("adds up: batches to the pico-dollar, direct calls one by one, cut-off calls by their names", () => {
    const entries = [
      entry("batch", "5", "b1"),
      entry("batch", "6", "b1"),
      entry("direct", "7"),
      entry("direct", "7"),
      entry("unconfirmed", "100"),
      // An intent whose call was never sent.
      entry("unconfirmed", "100"),
    ];
    expect(moneyFaults(entries, [line("11", "b1"), line("7"), line("7"), line("9")])).toEqual([]);
  });

  test("adds up for a flex call only as one", () => {
    const flex = { ...entry("direct", "7"), lane: "flex" as const };
    expect(moneyFaults([flex], [{ ...line("7"), service: "flex" }])).toEqual([]);
    expect(moneyFaults([flex], [line("7")])).toHaveLength(2);
  });

  test.each([
    ["a batch billed and not settled", [], [line("5", "b1")]],
    ["a batch settled twice", [entry("batch", "5", "b1"), entry("batch", "5", "b1")], [line("5", "b1")]],
    ["a call that nothing names", [entry("direct", "7")], [line("7"), line("7")]],
    ["a charge that nobody billed", [entry("direct", "7")], []],
    ["two calls and one name", [entry("unconfirmed", "7")], [line("7"), line("7")]],
  ])("does not: %s", (_what, entries, lines) => {
    expect(moneyFaults(entries, lines)).toHaveLength(1);
  });
});
