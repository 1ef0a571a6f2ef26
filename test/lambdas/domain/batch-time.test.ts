import { expect, test } from "vitest";
import { newBatchRecord } from "../../../lambdas/adapters/batch-decisions.ts";
import { batchTimeOf } from "../../../lambdas/domain/batch-time.ts";
import type { BatchId, WindowId } from "../../../lambdas/domain/ids.ts";
import { findPrice } from "../../../lambdas/domain/prices.ts";
import { entryOf, HOUR, MINUTE, NOW } from "./planner-entries.ts";

const price = findPrice("gpt-5-nano", "batch", NOW)!;
const RECORD = {
  ...newBatchRecord({
    version: 1,
    batchId: "b-aaaaaaaaaaaaaaaaaaaa" as BatchId,
    windowId: "20261121T120000Z" as WindowId,
    group: entryOf(1).group,
    requests: 1,
    tenants: 1,
    inputBytes: 1,
    inputs: 0,
    tokens: 1,
    earliestDue: NOW,
    plannedAt: NOW,
    prices: { batch: price, sync: price },
    linesKey: "lines",
    orphanOf: null,
  }),
  submittedAt: NOW,
};
const ended = (providerStatus: string, after: number) => ({ providerStatus, completedAt: NOW + after });
const whole = { batchId: RECORD.plan.batchId, model: "gpt-5-nano", submittedAt: NOW, isWhole: true };

test("a batch that ran to its end took its time", () => {
  expect(batchTimeOf(RECORD, ended("completed", 7 * MINUTE))).toEqual({
    ...whole,
    endedAt: NOW + 7 * MINUTE,
  });
  expect(batchTimeOf(RECORD, ended("ended", 7 * MINUTE))).toEqual({ ...whole, endedAt: NOW + 7 * MINUTE });
});

test("one that was stopped would have taken longer than until then", () => {
  const cancelled = { ...RECORD, cancelAt: NOW + HOUR };
  const cut = { ...whole, endedAt: NOW + HOUR, isWhole: false };
  expect(batchTimeOf(cancelled, ended("cancelled", HOUR + 9 * MINUTE))).toEqual(cut);
  expect(batchTimeOf(cancelled, ended("ended", HOUR + 9 * MINUTE))).toEqual(cut);
  // The cancel came too late.
  expect(batchTimeOf(cancelled, ended("completed", HOUR + MINUTE))).toMatchObject({ isWhole: true });
  expect(batchTimeOf(RECORD, ended("expired", 24 * HOUR))).toMatchObject({ isWhole: false });
  expect(batchTimeOf(RECORD, ended("ended", 24 * HOUR))).toMatchObject({ isWhole: false });
  expect(batchTimeOf(RECORD, ended("given-up", 27 * HOUR))).toMatchObject({ isWhole: false });
});

test("a clock that is behind ours makes no time negative", () => {
  expect(batchTimeOf(RECORD, ended("completed", -2000))).toMatchObject({ endedAt: NOW });
});

test("what nobody ran, or waited for, says nothing", () => {
  for (const status of ["failed", "refused", "lost", "foreign"])
    expect(batchTimeOf(RECORD, ended(status, MINUTE))).toBeNull();
  expect(batchTimeOf({ ...RECORD, submittedAt: null }, ended("completed", MINUTE))).toBeNull();
  const orphan = { ...RECORD, plan: { ...RECORD.plan, orphanOf: RECORD.plan.batchId } };
  expect(batchTimeOf(orphan, ended("completed", MINUTE))).toBeNull();
});
