import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { groupKey } from "../../../lambdas/domain/group.ts";
import { customIdOf, type TenantId, type WindowId } from "../../../lambdas/domain/ids.ts";
import type { IndexEntry } from "../../../lambdas/domain/job-record.ts";
import {
  EXPIRES_AFTER_DUE_MS,
  inputLineBytes,
  planWindow,
  type PlanSettings,
} from "../../../lambdas/domain/planner.ts";
import { entryOf, type Fields, NOW, OPEN } from "./planner-entries.ts";

const WINDOW = "20261121T120000Z" as WindowId;
const HOUR = 3_600_000;
const LIMITS = { maxRequests: 7, maxBytes: 5_000, maxInputs: 20 };
const SETTINGS: PlanSettings = {
  limits: { openai: LIMITS, anthropic: { ...LIMITS, maxRequests: 4 } },
  minBatchJobs: 1,
  leadMs: 2 * HOUR,
  maxJobs: 1_000,
};

let serial = 0;

/** The next entry, small enough for many to fit into a batch here. */
function entry(fields: Fields = {}): IndexEntry {
  serial += 1;
  return entryOf(serial, { tokens: 10, ...fields });
}

const anyEntry = fc
  .record({
    model: fc.constantFrom("gpt-5-nano", "gpt-4.1-mini", "text-embedding-3-small"),
    tenant: fc.constantFrom("acme", "globex", "initech"),
    attempt: fc.integer({ min: 1, max: 12 }),
    inputs: fc.integer({ min: 0, max: 8 }),
    lineBytes: fc.integer({ min: 100, max: 4_000 }),
    due: fc.integer({ min: NOW - HOUR, max: NOW + 24 * HOUR }),
    provider: fc.constantFrom("openai" as const, "anthropic" as const),
  })
  .map(({ provider, model, ...fields }) => {
    const made = entry({ ...fields, model });
    return { ...made, group: { ...made.group, provider, account: provider } };
  });

const anySettings = fc.record({
  minBatchJobs: fc.integer({ min: 1, max: 10 }),
  maxJobs: fc.integer({ min: 1, max: 60 }),
});

const ids = (entries: readonly IndexEntry[]) =>
  entries.map((one) => customIdOf(one.jobId, one.attempt)).toSorted();

describe("planWindow", () => {
  test("places or carries every job exactly once, whatever comes", () => {
    fc.assert(
      fc.property(fc.array(anyEntry, { maxLength: 80 }), anySettings, (entries, settings) => {
        const plan = planWindow(WINDOW, entries, OPEN, { ...SETTINGS, ...settings }, NOW);
        expect(ids([...plan.batches.flatMap((batch) => batch.entries), ...plan.carried])).toEqual(
          ids(entries),
        );
      }),
    );
  });

  test("keeps every limit of the provider", () => {
    fc.assert(
      fc.property(fc.array(anyEntry, { maxLength: 80 }), (entries) => {
        for (const { group, entries: placed } of planWindow(WINDOW, entries, OPEN, SETTINGS, NOW).batches) {
          const limits = SETTINGS.limits[group.provider];
          expect(placed.length).toBeLessThanOrEqual(limits.maxRequests);
          expect(placed.reduce((sum, one) => sum + inputLineBytes(one), 0)).toBeLessThanOrEqual(
            limits.maxBytes,
          );
          expect(placed.reduce((sum, one) => sum + one.inputs, 0)).toBeLessThanOrEqual(limits.maxInputs);
        }
      }),
    );
  });

  test("never mixes groups, and gives each batch an id of its own", () => {
    fc.assert(
      fc.property(fc.array(anyEntry, { maxLength: 80 }), (entries) => {
        const { batches } = planWindow(WINDOW, entries, OPEN, SETTINGS, NOW);
        expect(new Set(batches.map((batch) => batch.batchId)).size).toBe(batches.length);
        for (const batch of batches) {
          expect(new Set(batch.entries.map((one) => groupKey(one.group)))).toEqual(
            new Set([groupKey(batch.group)]),
          );
        }
      }),
    );
  });

  test("does not depend on the order in which the entries are read", () => {
    fc.assert(
      fc.property(fc.array(anyEntry, { maxLength: 40 }), (entries) => {
        const forwards = planWindow(WINDOW, entries, OPEN, SETTINGS, NOW);
        expect(planWindow(WINDOW, entries.toReversed(), OPEN, SETTINGS, NOW)).toEqual(forwards);
      }),
    );
  });

  test("puts the most urgent into the window when not all fit", () => {
    const [late, soon] = [entry({ due: NOW + 9 * HOUR }), entry({ due: NOW + HOUR })];
    const plan = planWindow(WINDOW, [late, soon], OPEN, { ...SETTINGS, maxJobs: 1 }, NOW);
    expect(plan.batches.map((batch) => batch.entries)).toEqual([[soon]]);
    expect(plan.carried).toEqual([late]);
  });

  test("lets a small group wait until its earliest due time demands it", () => {
    const settings = { ...SETTINGS, minBatchJobs: 3 };
    const waiting = [entry({ due: NOW + 9 * HOUR }), entry({ due: NOW + 9 * HOUR })];
    expect(planWindow(WINDOW, waiting, OPEN, settings, NOW).carried).toHaveLength(2);
    expect(planWindow(WINDOW, waiting, OPEN, settings, NOW + 7 * HOUR).carried).toEqual([]);
    const enough = [...waiting, entry({ due: NOW + 9 * HOUR })];
    expect(planWindow(WINDOW, enough, OPEN, settings, NOW).carried).toEqual([]);
  });

  test("gives a tenant whose policy turned dedicated its own batch, even after admission", () => {
    const entries = [entry({ tenant: "acme" }), entry({ tenant: "globex" })];
    const { batches } = planWindow(
      WINDOW,
      entries,
      { ...OPEN, dedicated: new Set(["globex" as TenantId]) },
      SETTINGS,
      NOW,
    );
    expect(batches.map((batch) => [batch.group.isolation, batch.entries.map((one) => one.tenantId)])).toEqual(
      [
        ["shared", ["acme"]],
        ["tenant:globex", ["globex"]],
      ],
    );
  });

  test("places an attempt once that two segments list", () => {
    const twice = entry();
    const plan = planWindow(WINDOW, [twice, { ...twice }], OPEN, SETTINGS, NOW);
    expect(plan.batches.flatMap((batch) => batch.entries)).toHaveLength(1);
  });

  test("reads each segment once, forwards: entries of a batch stand in segment order", () => {
    fc.assert(
      fc.property(fc.array(anyEntry, { maxLength: 40 }), (entries) => {
        for (const { entries: placed } of planWindow(WINDOW, entries, OPEN, SETTINGS, NOW).batches) {
          const offsets = placed.map((one) => one.source.offset);
          expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
        }
      }),
    );
  });

  test("what is backed off, held or without a price waits, and loses no place in the queue", () => {
    const soon = entry({ due: NOW });
    const backedOff = entry({ due: NOW, notBefore: NOW + 1 });
    const over = entry({ due: NOW, notBefore: NOW });
    const plan = planWindow(WINDOW, [soon, backedOff, over], OPEN, SETTINGS, NOW);
    expect(ids(plan.carried)).toEqual(ids([backedOff]));
    const held = planWindow(WINDOW, [soon], { ...OPEN, heldAccounts: new Set(["openai"]) }, SETTINGS, NOW);
    expect(held.batches).toEqual([]);
    expect(held.carried).toEqual([soon]);
    const unpriced = { ...OPEN, unpriced: new Set(["gpt-5-nano"]) };
    expect(planWindow(WINDOW, [soon], unpriced, SETTINGS, NOW).carried).toEqual([soon]);
  });

  test("a cohort has a batch of its own, at once, however small", () => {
    const [first, second] = [entry({ cohort: "b-1" }), entry({ cohort: "b-2" })];
    const others = [entry(), entry()];
    const settings = { ...SETTINGS, minBatchJobs: 3, leadMs: 0 };
    const plan = planWindow(WINDOW, [first, ...others, second], OPEN, settings, NOW);
    expect(plan.batches.map(({ entries }) => entries)).toEqual([[first], [second]]);
    expect(new Set(plan.batches.map(({ batchId }) => batchId)).size).toBe(2);
    expect(ids(plan.carried)).toEqual(ids(others));
  });

  test("attempts that are over are neither placed, carried nor expired", () => {
    fc.assert(
      fc.property(fc.array(anyEntry, { maxLength: 40 }), fc.func(fc.boolean()), (entries, isOver) => {
        const over = new Set(ids(entries.filter((one) => isOver(one.jobId))));
        const { batches, carried, expired } = planWindow(WINDOW, entries, { ...OPEN, over }, SETTINGS, NOW);
        const left = [...batches.flatMap((batch) => batch.entries), ...carried, ...expired];
        expect(ids(left)).toEqual(ids(entries).filter((id) => !over.has(id)));
      }),
    );
  });

  test("what waited too long past its due time expires, held or not", () => {
    const late = entry({ due: NOW - EXPIRES_AFTER_DUE_MS });
    const almost = entry({ due: NOW - EXPIRES_AFTER_DUE_MS + 1 });
    const held = { ...OPEN, heldAccounts: new Set(["openai"]) };
    expect(planWindow(WINDOW, [late, almost], held, SETTINGS, NOW)).toEqual({
      batches: [],
      direct: [],
      carried: [almost],
      expired: [late],
    });
  });
});
