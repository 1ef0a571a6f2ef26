import { expect, test } from "vitest";
import { isFresh, isWithin } from "../../client/freshness.ts";

const result = { producedAt: "2026-11-21T11:00:00.000Z", effectiveUntil: "2026-11-21T12:00:00.000Z" };

test("a result is fresh until, and not at, the moment it says", () => {
  expect(isFresh(result, new Date("2026-11-21T11:59:59.999Z"))).toBe(true);
  expect(isFresh(result, new Date("2026-11-21T12:00:00.000Z"))).toBe(false);
  expect(isFresh({ effectiveUntil: null }, new Date("2100-01-01T00:00:00Z"))).toBe(true);
});

test("a result is within a staleness up to the last millisecond of it", () => {
  expect(isWithin(result, 60, new Date("2026-11-21T11:01:00.000Z"))).toBe(true);
  expect(isWithin(result, 60, new Date("2026-11-21T11:01:00.001Z"))).toBe(false);
});
