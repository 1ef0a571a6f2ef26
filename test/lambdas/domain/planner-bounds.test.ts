import { expect, test } from "vitest";
import type { JobId, TenantId, WindowId } from "../../../lambdas/domain/ids.ts";
import type { IndexEntry } from "../../../lambdas/domain/job-record.ts";
import { PROVIDER_BATCH_LIMITS } from "../../../lambdas/domain/limits.ts";
import { MAX_WINDOW_BATCHES, planWindow } from "../../../lambdas/domain/planner.ts";

const WINDOW = "20261121T120000Z" as WindowId;
const NOW = Date.UTC(2026, 10, 21, 12);
const SETTINGS = { limits: PROVIDER_BATCH_LIMITS, minBatchJobs: 1, leadMs: 0, maxJobs: 100_000 };
const OPEN = { dedicated: new Set<TenantId>(), heldAccounts: new Set<string>(), unpriced: new Set<string>() };

function entry(number: number, fields: Partial<IndexEntry> = {}): IndexEntry {
  return {
    version: 1,
    jobId: number.toString(2).padStart(26, "a").replaceAll("0", "b").replaceAll("1", "c") as JobId,
    tenantId: "acme" as TenantId,
    attempt: 1,
    roundStart: 1,
    group: {
      provider: "openai",
      account: "openai",
      endpoint: "/v1/chat/completions",
      model: "gpt-5-nano",
      isolation: "shared",
    },
    tokens: 10,
    inputs: 0,
    lineBytes: 400,
    due: NOW + number,
    source: { key: "segments/lines/a.jsonl", line: number, offset: number * 100, length: 100 },
    ...fields,
  };
}

const plan = (entries: readonly IndexEntry[]) =>
  planWindow(WINDOW, entries, { ...OPEN, over: new Set() }, SETTINGS, NOW);

test("a job listed with two attempts goes with the later one, though an old reading calls neither over", () => {
  const [first, second] = [entry(1), entry(1, { attempt: 2, roundStart: 2 })];
  for (const entries of [
    [first, second],
    [second, first],
  ]) {
    const { batches, carried } = plan(entries);
    expect(batches.map(({ entries: placed }) => placed)).toEqual([[second]]);
    expect(carried).toEqual([]);
  }
});

test("no window makes more batches than its state machine can start; the least urgent wait", () => {
  const halves = Array.from({ length: MAX_WINDOW_BATCHES + 20 }, (_, number) =>
    entry(number, { cohort: `b-${number}` }),
  );
  const { batches, carried } = plan(halves.toReversed());
  expect(batches).toHaveLength(MAX_WINDOW_BATCHES);
  expect(carried).toEqual(halves.slice(MAX_WINDOW_BATCHES));
});
