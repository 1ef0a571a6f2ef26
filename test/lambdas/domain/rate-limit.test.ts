import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type BookedMinutes, decidePlaces, nextMinute } from "../../../lambdas/domain/rate-limit.ts";

const NOON = Date.UTC(2026, 10, 21, 12);
const MINUTE = 60_000;

describe("places by the minute", () => {
  test("are this minute's, then those after it, and none that begins too late", () => {
    const now = NOON + 5_000;
    const before = [now + 1, NOON + MINUTE, NOON + 2 * MINUTE, NOON + MINUTE, NOON + 9 * MINUTE];
    const { places, next } = decidePlaces(undefined, { limit: 2, now, before });
    expect(places).toEqual([NOON, NOON, NOON + MINUTE, null, NOON + MINUTE]);
    expect(next).toEqual({ version: 1, minute: NOON + MINUTE, used: 2 });
  });

  test("that nobody could use are not taken", () => {
    const full: BookedMinutes = { version: 1, minute: NOON, used: 2 };
    const wanted = { limit: 2, now: NOON, before: [nextMinute(NOON), nextMinute(NOON)] };
    expect(decidePlaces(full, wanted)).toEqual({ places: [null, null] });
    expect(decidePlaces(full, { ...wanted, now: NOON + MINUTE, before: [NOON + 2 * MINUTE] }).places).toEqual(
      [NOON + MINUTE],
    );
  });

  test("are never more than the limit in a minute, nor in the past or too late, whoever asks when", () => {
    const call = fc.record({
      after: fc.nat(3 * MINUTE),
      patience: fc.array(fc.nat(6 * MINUTE), { maxLength: 12 }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(call, { maxLength: 20 }), (limit, calls) => {
        let current: BookedMinutes | undefined;
        let now = NOON;
        const taken = new Map<number, number>();
        for (const { after, patience } of calls) {
          now += after;
          const before = patience.map((wait) => now + wait);
          const { places, next } = decidePlaces(current, { limit, now, before });
          current = next ?? current;
          for (const [number, place] of places.entries()) {
            if (place === null) continue;
            expect(place).toBeGreaterThan(now - MINUTE);
            expect(place).toBeLessThan(before[number]!);
            taken.set(place, (taken.get(place) ?? 0) + 1);
          }
        }
        for (const jobs of taken.values()) expect(jobs).toBeLessThanOrEqual(limit);
      }),
    );
  });
});
