import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type BatchTime } from "../../../lambdas/domain/batch-time.ts";
import { completionEstimate, priorEstimate } from "../../../lambdas/domain/completion-times.ts";
import type { BatchId } from "../../../lambdas/domain/ids.ts";

const NOW = Date.UTC(2026, 10, 21, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const MODEL = "gpt-5-nano";
const ID = "b-aaaaaaaaaaaaaaaaaaaa" as BatchId;

function time(endedAgo: number, took: number, fields: Partial<BatchTime> = {}): BatchTime {
  const endedAt = NOW - endedAgo;
  return { batchId: ID, model: MODEL, submittedAt: endedAt - took, endedAt, isWhole: true, ...fields };
}

/** One every few minutes over the last day, up to `until` ago. */
const everyFive = (took: (number: number) => number, until = 0) =>
  Array.from({ length: 288 }, (_, number) => time(until + number * 5 * MINUTE, took(number)));

const anySeen = fc.record({
  times: fc.array(
    fc.record({
      endedAgo: fc.integer({ min: 0, max: 7 * 24 * HOUR }),
      took: fc.integer({ min: 0, max: 30 * HOUR }),
      isWhole: fc.boolean(),
      model: fc.constantFrom(MODEL, "gpt-5-mini"),
    }),
    { maxLength: 60 },
  ),
  open: fc.array(
    fc.record({
      model: fc.constantFrom(MODEL, "gpt-5-mini"),
      age: fc.integer({ min: 0, max: 30 * HOUR }),
    }),
    { maxLength: 20 },
  ),
});

describe("completionEstimate", () => {
  test("without a batch is the prior: half in 10 minutes, 90 % within an hour", () => {
    const doneWithin = priorEstimate();
    expect(doneWithin(10 * MINUTE)).toBeCloseTo(0.5, 4);
    expect(doneWithin(HOUR)).toBeCloseTo(0.9, 4);
    expect(doneWithin(24 * HOUR)).toBeGreaterThan(0.999);
    const quick = priorEstimate(1 / 60);
    expect(quick(10_000)).toBeCloseTo(0.5, 4);
  });

  test("never falls with time, and is a probability, whatever was seen", () => {
    fc.assert(
      fc.property(anySeen, ({ times, open }) => {
        const doneWithin = completionEstimate(
          {
            times: times.map(({ endedAgo, took, ...rest }) => time(endedAgo, took, rest)),
            open: open.map(({ model, age }) => ({ model, plannedAt: NOW - age })),
          },
          MODEL,
          NOW,
        );
        let before = 0;
        for (let ms = -MINUTE; ms < 60 * HOUR; ms = ms * 1.07 + 7 * MINUTE * 0.3) {
          const now = doneWithin(ms);
          expect(now).toBeGreaterThanOrEqual(before - 1e-12);
          expect(now).toBeLessThanOrEqual(1);
          before = now;
        }
        expect(doneWithin(0)).toBe(0);
      }),
    );
  });

  test("follows what was seen, and the more the more was", () => {
    const few = completionEstimate({ times: everyFive(() => 5 * MINUTE).slice(0, 10), open: [] }, MODEL, NOW);
    const many = completionEstimate({ times: everyFive(() => 5 * MINUTE), open: [] }, MODEL, NOW);
    const prior = priorEstimate()(7 * MINUTE);
    expect(few(7 * MINUTE)).toBeGreaterThan(prior + 0.1);
    expect(many(7 * MINUTE)).toBeGreaterThan(few(7 * MINUTE));
    expect(many(7 * MINUTE)).toBeGreaterThan(0.9);
  });

  test("comes near to the share that was done where some were cut off", () => {
    // Half take 20 minutes, the others were cancelled after 10.
    const times = everyFive((number) => (number % 2 === 0 ? 20 : 10) * MINUTE).map((one, number) => ({
      ...one,
      isWhole: number % 2 === 0,
    }));
    const doneWithin = completionEstimate({ times, open: [] }, MODEL, NOW);
    // Counted as never done, they would hold it near a half; left out, they would say nothing of the first 10 minutes.
    expect(doneWithin(25 * MINUTE)).toBeGreaterThan(0.85);
    expect(doneWithin(9 * MINUTE)).toBeLessThan(0.15);
  });

  test("batches of other models count for less", () => {
    const other = everyFive(() => 3 * HOUR).map((one) => ({ ...one, model: "gpt-5-mini" }));
    const own = completionEstimate({ times: everyFive(() => 3 * HOUR), open: [] }, MODEL, NOW)(HOUR);
    const others = completionEstimate({ times: other, open: [] }, MODEL, NOW)(HOUR);
    expect(own).toBeLessThan(others);
    expect(others).toBeLessThan(priorEstimate()(HOUR));
  });

  test("notices an outage before its batches end, and that it will pass", () => {
    const times = everyFive(() => 6 * MINUTE, 40 * MINUTE);
    // Since then none has ended, though one was sent every five minutes.
    const open = Array.from({ length: 8 }, (_, number) => ({
      model: MODEL,
      plannedAt: NOW - (40 - 5 * number) * MINUTE,
    }));
    const calm = completionEstimate({ times, open: [] }, MODEL, NOW);
    const out = completionEstimate({ times, open }, MODEL, NOW);
    expect(calm(40 * MINUTE)).toBeGreaterThan(0.95);
    expect(out(40 * MINUTE)).toBeLessThan(0.75);
    expect(out(23 * HOUR)).toBeGreaterThan(0.95);
  });

  test("a few slow batches beside quick ones are no outage", () => {
    const times = everyFive(() => 6 * MINUTE);
    const open = [
      { model: MODEL, plannedAt: NOW - 3 * HOUR },
      { model: MODEL, plannedAt: NOW - 7 * HOUR },
    ];
    const seen = completionEstimate({ times, open }, MODEL, NOW)(40 * MINUTE);
    expect(seen).toBeGreaterThan(completionEstimate({ times, open: [] }, MODEL, NOW)(40 * MINUTE) - 0.02);
  });
});
