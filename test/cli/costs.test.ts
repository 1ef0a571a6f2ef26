import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LedgerEntry } from "../../lambdas/domain/ledger-entry.ts";
import { aTenant, anEntry } from "../contracts/sample-records.ts";
import { startStackFixture, type StackFixture } from "./stack-fixture.ts";

let fixture: StackFixture;

beforeAll(async () => {
  fixture = await startStackFixture();
  const { tenants, ledger } = fixture.open();
  for (const name of ["acme", "globex"]) await tenants.put(aTenant(name));
  const globex = aTenant("globex").policy.tenantId;
  const entries: readonly [string, Partial<LedgerEntry>][] = [
    ["2026-10-31#last-month", { costPicoUsd: "7000000", syncCostPicoUsd: "14000000" }],
    ["2026-11-01#first-day", { costPicoUsd: "1000000", syncCostPicoUsd: "2000000", agentId: "night-desk" }],
    ["2026-11-21#today", { costPicoUsd: "3000000", syncCostPicoUsd: "6000000", jobs: 5, answers: 6 }],
    [
      "2026-11-21#lost",
      { kind: "unconfirmed", lane: "sync", jobs: 0, costPicoUsd: "500000", syncCostPicoUsd: "500000" },
    ],
    [
      "2026-11-21#other",
      {
        tenantId: globex,
        model: "claude-haiku-4-5",
        costPicoUsd: "9000000",
        syncCostPicoUsd: "9000000",
        defaultModelCostPicoUsd: "27000000",
      },
    ],
    ["2026-11-22#tomorrow", { costPicoUsd: "8000000", syncCostPicoUsd: "8000000" }],
  ];
  await ledger.record(entries.map(([id, fields]) => anEntry(id, fields)));
});
afterAll(async () => await fixture.stop());

type Costs = { groups: Record<string, unknown>[]; total: Record<string, unknown> };
const costs = async (...args: string[]) => (await fixture.json("costs", ...args)) as Costs;

describe("costs", () => {
  test("are this month's of every tenant until today, with what they would have cost at once", async () => {
    const { groups, total } = await costs();
    expect(groups).toMatchObject([
      { tenant: "acme", jobs: 6, answers: 8, costPicoUsd: "4500000", syncCostPicoUsd: "8500000" },
      { tenant: "globex", jobs: 1, costPicoUsd: "9000000", savedPicoUsd: "0" },
    ]);
    expect(total).toMatchObject({
      costPicoUsd: "13500000",
      syncCostPicoUsd: "17500000",
      savedPicoUsd: "4000000",
      defaultModelCostPicoUsd: "35500000",
      routingSavedPicoUsd: "18000000",
      unconfirmedPicoUsd: "500000",
    });
  });

  test("of one tenant and some days, first and last included", async () => {
    const { total } = await costs("--tenant", "acme", "--from", "2026-10-31", "--to", "2026-11-01");
    expect(total).toMatchObject({ costPicoUsd: "8000000", jobs: 2 });
  });

  test.each([
    ["agent", { "front-desk": "12500000", "night-desk": "1000000" }],
    ["model", { "gpt-5-nano": "4500000", "claude-haiku-4-5": "9000000" }],
    ["vertical", { healthcare: "13500000" }],
    ["task", { post_call_summary: "13500000" }],
  ])("by %s", async (by, expected) => {
    const { groups } = await costs("--by", by);
    expect(Object.fromEntries(groups.map((group) => [group[by], group["costPicoUsd"]]))).toEqual(expected);
  });

  test("for a person: dearest first, the total below, and a word on what is an estimate", async () => {
    const { out } = await fixture.offpeak("costs");
    const at = ["globex", "acme", "total"].map((name) => out.indexOf(name));
    expect(at).toEqual(at.toSorted((a, b) => a - b));
    expect(out).toContain("$0.000014");
    expect(out).toContain("22.9%");
    expect(out).toContain("is an estimate");
    expect(out).toContain("default models the same tokens would have cost $0.000036 at once");
    expect((await fixture.offpeak("costs", "--tenant", "globex")).out).not.toContain("estimate");
  });

  test.each([
    [["--from", "yesterday"], "--from is a day"],
    [["--to", "2026-02-30"], "--to is a day"],
    [["--from", "2026-11-22"], "is after --to"],
    [["--by", "moon"], "moon"],
    [["--tenant", "nobody"], "offpeak tenants list"],
  ])("%j is refused with what to do", async (args, problem) => {
    const { code, out, error } = await fixture.offpeak("costs", ...args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(error).toContain(problem);
  });
});
