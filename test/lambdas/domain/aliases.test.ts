import { describe, expect, test } from "vitest";
import { defaultModelPrice, resolveModel } from "../../../lambdas/domain/aliases.ts";
import { partLedgerEntries } from "../../../lambdas/domain/ledger-entries.ts";
import { findPrice } from "../../../lambdas/domain/prices.ts";
import { tenantsFileSchema } from "../../../lambdas/domain/tenant-policy.ts";
import { defaultModelCost } from "../../../lambdas/domain/settle-line.ts";
import { NO_USAGE } from "../../../lambdas/domain/usage.ts";
import { aManifestEntry } from "../support/sample-manifest.ts";

const NOON = Date.UTC(2026, 10, 21, 12);
const ROUTES = { writer: { default: "gpt-5", low: "gpt-5-nano" } };

describe("an alias", () => {
  test("stands for the model of the job's tier, else for its default one; a model stands for itself", () => {
    const alias = { name: "writer", defaultModel: "gpt-5" };
    expect(resolveModel("writer", "low", ROUTES)).toEqual({
      model: "gpt-5-nano",
      alias,
      route: "writer.low",
    });
    expect(resolveModel("writer", "high", ROUTES)).toEqual({
      model: "gpt-5",
      alias,
      route: "writer.default",
    });
    expect(resolveModel("gpt-5-mini", "low", ROUTES)).toEqual({ model: "gpt-5-mini" });
    expect(resolveModel("constructor", "low", ROUTES)).toEqual({ model: "constructor" });
  });

  test("is followed once: what it stands for is a model, also where an alias has that name", () => {
    const routes = { ...ROUTES, other: { default: "writer" } };
    expect(resolveModel("other", "low", routes).model).toBe("writer");
  });

  test.each(["gpt-5", "gpt-5-2025-08-07", "claude-haiku-4-5"])(
    "may not be called %s, but what is stored is read",
    (name) => {
      const file = [{ tenantId: "acme", routes: { [name]: { default: "gpt-5-mini" } } }];
      const problem = tenantsFileSchema.safeParse(file).error?.issues[0];
      expect(problem).toMatchObject({ path: [0, "routes", name] });
      expect(problem?.message).toContain("is the name of a model");
      expect(tenantsFileSchema.safeParse([{ tenantId: "acme", routes: ROUTES }]).success).toBe(true);
    },
  );
});

describe("the cost with the default model", () => {
  const { job } = aManifestEntry(1);
  const usage = { ...NO_USAGE, inputTokens: 1_000, outputTokens: 100 };
  const routed = { ...job, alias: { name: "writer", defaultModel: "gpt-5" } };

  test("is the same tokens at the default model's price at once", () => {
    // gpt-5: 1.25 and 10 dollars per million tokens.
    expect(defaultModelPrice(routed, NOON)).toEqual(findPrice("gpt-5", "sync", NOON));
    expect(defaultModelCost(routed, usage, NOON)).toEqual({ defaultModelCost: 2_250_000_000n });
  });

  test("is left out without an alias, or where the default model is not sold at the endpoint", () => {
    expect(defaultModelCost(job, usage, NOON)).toEqual({});
    const elsewhere = { ...job, alias: { name: "writer", defaultModel: "claude-haiku-4-5" } };
    expect(defaultModelCost(elsewhere, usage, NOON)).toEqual({});
  });

  test("of a part counts what named no alias at its own model's price, in any order", () => {
    const part = { batchId: "b", generation: 1, part: 0, providerBatchId: "p", completedAt: NOON };
    const plain = { job, charge: { usage, cost: 5n, syncCost: 10n, confirmed: true }, won: true };
    const alias = { ...plain, charge: { ...plain.charge, defaultModelCost: 300n } };
    for (const answers of [
      [plain, alias, plain],
      [alias, plain, plain],
      [plain, plain, alias],
    ]) {
      expect(partLedgerEntries(answers, part)).toMatchObject([
        { syncCostPicoUsd: "30", defaultModelCostPicoUsd: "320" },
      ]);
    }
    expect(partLedgerEntries([plain], part)[0]).not.toHaveProperty("defaultModelCostPicoUsd");
  });
});
