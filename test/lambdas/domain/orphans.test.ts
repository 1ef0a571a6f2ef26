import { expect, test } from "vitest";
import { batchIdSchema } from "../../../lambdas/domain/ids.ts";
import { batchManifestKey } from "../../../lambdas/domain/object-keys.ts";
import { manifestKeyOf, orphanPlan, requestsOf } from "../../../lambdas/domain/orphans.ts";
import { aPlan } from "../../contracts/sample-records.ts";

const twin = aPlan(1);
const orphan = orphanPlan(twin, "batch_other");

test("an orphan is a batch of its own, with the requests, prices and group of the one that it doubles", () => {
  expect(orphan).toEqual({ ...twin, batchId: orphan.batchId, orphanOf: twin.batchId });
  expect(orphan.batchId).not.toBe(twin.batchId);
  expect(batchIdSchema.parse(orphan.batchId)).toBe(orphan.batchId);
});

test("its id follows from the provider's, so that whoever finds it again finds the same", () => {
  expect(orphanPlan(twin, "batch_other")).toEqual(orphan);
  expect(orphanPlan(twin, "batch_third").batchId).not.toBe(orphan.batchId);
  expect(orphanPlan(aPlan(2), "batch_other").batchId).not.toBe(orphan.batchId);
});

test("the orphan of an orphan is one of the first batch", () => {
  expect(orphanPlan(orphan, "batch_third")).toEqual(orphanPlan(twin, "batch_third"));
});

test("its requests are listed where those of the first batch are", () => {
  expect(manifestKeyOf(orphan)).toBe(batchManifestKey(twin.batchId));
  expect(manifestKeyOf(twin)).toBe(batchManifestKey(twin.batchId));
  expect([requestsOf(orphan), requestsOf(twin)]).toEqual([twin.batchId, twin.batchId]);
});
