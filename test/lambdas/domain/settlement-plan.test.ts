import { expect, test } from "vitest";
import { settlementPlanSchema } from "../../../lambdas/domain/settlement-plan.ts";

test("a plan of the release before, still to be settled, is read", () => {
  const plan = settlementPlanSchema.parse({
    version: 1,
    batchId: "b-aaaaaaaaaaaaaaaaaaaa",
    generation: 1,
    providerBatchId: "batch_1",
    providerStatus: "failed",
    completedAt: 1,
    parts: [{ kind: "missing", customIds: ["a-1"] }],
    refusedRows: { "a-1": { code: "invalid_value", message: "bad" } },
    batchError: { code: "invalid_value", message: "bad" },
    counts: { lines: 0, repeated: 0, unknown: 0, unparseable: 0, missing: 1 },
  });
  expect(plan).toMatchObject({
    refusedRows: { "a-1": { seen: "bad-row" } },
    missingReason: { seen: "missing-line" },
    files: null,
    counts: { answered: 0, failed: 0 },
  });
});
