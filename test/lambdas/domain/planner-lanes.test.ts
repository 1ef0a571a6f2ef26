import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DoneWithin } from "../../../lambdas/domain/completion-times.ts";
import { customIdOf } from "../../../lambdas/domain/ids.ts";
import type { IndexEntry } from "../../../lambdas/domain/job-record.ts";
import { type PlanCircumstances, planWindow, type PlanSettings } from "../../../lambdas/domain/planner.ts";
import { entriesOf, entryOf, HOUR, LANE_PLAN, MINUTE, NOW, OPEN, shape, WINDOW } from "./planner-entries.ts";

const plan = (
  entries: readonly IndexEntry[],
  fields: Partial<PlanSettings> = {},
  circumstances: Partial<PlanCircumstances> = {},
  now = NOW,
) => planWindow(WINDOW, entries, { ...OPEN, ...circumstances }, { ...LANE_PLAN, ...fields }, now);

/** Batches have not ended for hours. */
const OUTAGE: DoneWithin = (ms) => (ms > 6 * HOUR ? 0.95 : 0.02);
const QUEUE = "openai|gpt-5-nano";

describe("planWindow with lanes", () => {
  test("puts what is in time into a batch and says why", () => {
    const { batches, ...rest } = plan(entriesOf(60));
    expect(batches.map(({ reason }) => reason)).toEqual(["60 jobs, late with 22 %"]);
    expect({ direct: rest.direct, carried: rest.carried }).toEqual({ direct: [], carried: [] });
  });

  test("sends what no batch can do in time to a direct lane, each with its reason", () => {
    const urgent = entriesOf(3, { due: NOW + 5 * MINUTE });
    const { direct, batches } = plan([...urgent, ...entriesOf(60, {}, 10)]);
    expect(batches).toHaveLength(1);
    expect(direct.map(({ entry }) => entry)).toEqual(urgent);
    expect(direct[0]?.choice).toMatchObject({
      lane: "sync",
      reason: "no batch is in time with 5 min left: sync is the cheapest that is",
    });
  });

  test("in an outage, sends what cannot wait for its end to a direct lane, and leaves the rest to batches", () => {
    const doneWithin = new Map([[QUEUE, OUTAGE]]);
    const soon = entriesOf(60);
    const late = entriesOf(60, { due: NOW + 24 * HOUR }, 100);
    const { direct, batches } = plan([...soon, ...late], {}, { doneWithin });
    expect(direct.map(({ entry }) => entry)).toEqual(soon);
    expect(batches.map(({ entries }) => entries)).toEqual([late]);
  });

  test("what is due soon shares no batch with what is not: the one may have to leave it", () => {
    const { batches } = plan([...entriesOf(60), ...entriesOf(60, { due: NOW + 24 * HOUR }, 100)]);
    expect(batches.map(({ entries }) => [...new Set(entries.map(({ due }) => due - NOW))])).toEqual([
      [HOUR],
      [24 * HOUR],
    ]);
    expect(new Set(batches.map(({ batchId }) => batchId)).size).toBe(2);
    // Where every group goes at once, company is nobody's question.
    const at = plan([...entriesOf(6), ...entriesOf(6, { due: NOW + 24 * HOUR }, 100)], { minBatchJobs: 1 });
    expect(shape(at).batches).toEqual([12]);
  });

  describe("a small group", () => {
    test("waits for company while nothing is lost by it", () => {
      expect(shape(plan(entriesOf(5)))).toEqual({ batches: [], direct: [], carried: 5 });
      expect(shape(plan(entriesOf(5, { due: NOW + 20 * HOUR })))).toMatchObject({ carried: 5 });
    });

    test("then takes the cheapest lane that is in time, the cost of a batch counted", () => {
      const tiny = entriesOf(5, { due: NOW + 15 * MINUTE, tokens: 50, outputTokens: 10 });
      expect(shape(plan(tiny)).carried).toBe(5);
      const later = plan(tiny, {}, {}, NOW + 5 * MINUTE);
      expect(shape(later)).toEqual({ batches: [], direct: Array(5).fill("sync"), carried: 0 });
    });

    test("goes at once when its jobs are worth more than what company would save", () => {
      const dear = entriesOf(5, { model: "gpt-5", tokens: 200_000, outputTokens: 20_000 });
      expect(shape(plan(dear))).toEqual({ batches: [5], direct: [], carried: 0 });
    });

    test("does not hold up one of it that is overdue", () => {
      const overdue = entryOf(1, { due: NOW - MINUTE });
      const { direct, carried } = plan([overdue, ...entriesOf(5, {}, 10)]);
      expect(direct).toMatchObject([
        { entry: overdue, choice: { lane: "sync", reason: "overdue: sync is the quickest" } },
      ]);
      expect(carried).toHaveLength(5);
    });

    test("of a stage where every group goes at once goes into a batch, however small", () => {
      expect(shape(plan(entriesOf(1), { minBatchJobs: 1 }))).toEqual({
        batches: [1],
        direct: [],
        carried: 0,
      });
    });
  });

  test("a cohort goes into its batch, late or not, but for what only a direct call answers in time", () => {
    const late = entryOf(1, { cohort: "b-1", due: NOW - HOUR });
    const soon = entryOf(2, { cohort: "b-1", due: NOW + 5 * MINUTE });
    const others = entriesOf(3, { cohort: "b-1" }, 10);
    const { batches, direct } = plan([late, soon, ...others]);
    expect(batches.map(({ entries }) => entries)).toEqual([[late, ...others]]);
    expect(direct.map(({ entry }) => entry)).toEqual([soon]);
  });

  const anyEntry = fc
    .record({
      model: fc.constantFrom("gpt-5-nano", "gpt-4o", "text-embedding-3-small"),
      tenant: fc.constantFrom("acme", "globex", "initech"),
      tokens: fc.integer({ min: 0, max: 5000 }),
      due: fc.integer({ min: NOW - HOUR, max: NOW + 26 * HOUR }),
      cohort: fc.option(fc.constantFrom("b-1", "b-2"), { nil: undefined }),
    })
    .map(({ cohort, ...fields }) => ({ ...fields, ...(cohort !== undefined && { cohort }) }));
  const anyEntries = fc
    .array(anyEntry, { maxLength: 120 })
    .map((all) => all.map((fields, number) => entryOf(number, fields)));
  const anySettings = fc.record({
    minBatchJobs: fc.integer({ min: 1, max: 30 }),
    maxJobs: fc.integer({ min: 1, max: 150 }),
    leadMs: fc.integer({ min: 0, max: 12 * HOUR }),
    limit: fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: null }),
    batchesPerHour: fc.integer({ min: 1, max: 6 }),
    usedTokens: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 60_000 })),
    usedBatches: fc.integer({ min: 0, max: 6 }),
  });
  const drawn = (
    entries: readonly IndexEntry[],
    {
      limit,
      batchesPerHour,
      usedTokens,
      usedBatches,
      ...settings
    }: typeof anySettings extends fc.Arbitrary<infer T> ? T : never,
  ) => {
    const limits = { enqueuedTokens: { default: limit, perModel: {} }, batchesPerHour };
    const used = {
      tokens: new Map(entries.map(({ group }) => [`openai|${group.model}`, usedTokens])),
      batches: new Map([["openai", usedBatches]]),
    };
    return plan(entries, { ...settings, headroom: { openai: limits, anthropic: limits } }, { used });
  };
  const ids = (entries: readonly IndexEntry[]) =>
    entries.map(({ jobId, attempt }) => customIdOf(jobId, attempt)).toSorted();

  test("loses no job and repeats none, whatever is scarce", () => {
    fc.assert(
      fc.property(anyEntries, anySettings, (entries, settings) => {
        const { batches, direct, carried, expired } = drawn(entries, settings);
        const all = [
          ...batches.flatMap((batch) => batch.entries),
          ...direct.map(({ entry }) => entry),
          ...carried,
        ];
        expect(ids([...all, ...expired])).toEqual(ids(entries));
      }),
    );
  });

  test("never exceeds headroom, but for one job that alone is larger, alone", () => {
    fc.assert(
      fc.property(anyEntries, anySettings, (entries, settings) => {
        const { batches } = drawn(entries, settings);
        expect(batches.length).toBeLessThanOrEqual(
          Math.max(0, settings.batchesPerHour - settings.usedBatches),
        );
        for (const own of Map.groupBy(batches, ({ group }) => group.model).values()) {
          const placed = own.flatMap((batch) => batch.entries);
          const tokens = placed.reduce((sum, one) => sum + one.tokens, 0);
          const room = Math.max(0, (settings.limit ?? Infinity) - settings.usedTokens);
          const isAlone = settings.usedTokens === 0 && placed.length === 1;
          if (tokens > room) expect(isAlone).toBe(true);
        }
      }),
    );
  });

  test("does not depend on the order in which the entries are read", () => {
    fc.assert(
      fc.property(anyEntries, anySettings, (entries, settings) => {
        expect(drawn(entries.toReversed(), settings).batches).toEqual(drawn(entries, settings).batches);
        expect(ids(drawn(entries.toReversed(), settings).carried)).toEqual(
          ids(drawn(entries, settings).carried),
        );
      }),
    );
  });

  test("lets no job wait that the window after the next could not run in time", () => {
    fc.assert(
      fc.property(anyEntries, anySettings, (entries, settings) => {
        fc.pre(settings.maxJobs >= entries.length);
        for (const { due } of drawn(entries, settings).carried)
          // Unless it waits by the operator's word.
          if (due < NOW + settings.leadMs) expect(due).toBeGreaterThan(NOW + 2 * 5 * MINUTE + MINUTE);
      }),
    );
  });

  test("of 100,000 jobs plans as many as there is room for", () => {
    const entries = Array.from({ length: 100_000 }, (_, number) =>
      entryOf(number, {
        due: NOW + (number % 2 === 0 ? HOUR : 24 * HOUR) + number,
        model: number % 3 === 0 ? "gpt-4o" : "gpt-4o-mini",
        tenant: `tenant-${number % 100}`,
      }),
    );
    const limits = { enqueuedTokens: { default: 20_000_000, perModel: {} }, batchesPerHour: 2000 };
    const planned = plan(entries, { headroom: { openai: limits, anthropic: limits } });
    expect(planned.batches.flatMap((batch) => batch.entries)).toHaveLength(40_000);
  });
});
