import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type BudgetDay,
  budgetOf,
  decideReserve,
  decideSettle,
  reservedFor,
  usedOf,
} from "../../../lambdas/domain/budget.ts";
import { aManifestEntry } from "../support/sample-manifest.ts";

const NOON = Date.UTC(2026, 10, 21, 12);
const reserve = (day: BudgetDay | undefined, chunk: string, amounts: readonly bigint[], budget = 100n) =>
  decideReserve(day, { chunk, amounts, budget, at: NOON });

describe("a day's budget", () => {
  test("grants each job that still fits, in order, and stores nothing when none does", () => {
    const { reserved, next } = reserve(undefined, "a", [60n, 50n, 40n]);
    expect(reserved.granted).toEqual([true, false, true]);
    expect(usedOf(next!)).toEqual({ spent: 0n, reserved: 100n });
    expect(reserve(next, "b", [1n])).toEqual({ reserved: { granted: [false], warning: null } });
  });

  test("grants the repeat of a chunk what it has and no more", () => {
    const { next } = reserve(undefined, "a", [60n]);
    expect(reserve(next, "a", [60n])).toEqual({ reserved: { granted: [true], warning: null } });
    expect(reserve(next, "a", [60n, 1n]).reserved.granted).toEqual([true, false]);
  });

  test("takes the cost for the estimate once jobs have ended, also one above it", () => {
    const { next } = reserve(undefined, "a", [60n]);
    const { next: after } = decideSettle(next, "a", { left: 0n, spent: 110n });
    expect(after).toMatchObject({ settled: "110", chunks: {} });
    expect(reserve(after, "b", [1n]).reserved.granted).toEqual([false]);
  });

  test("is lowered by whoever saw more jobs ended, whatever comes later; what is over stays over", () => {
    const { next } = reserve(undefined, "a", [60n]);
    const { next: lower } = decideSettle(next, "a", { left: 10n, spent: 30n });
    expect(decideSettle(lower, "a", { left: 40n, spent: 10n })).toEqual({});
    const { next: over } = decideSettle(lower, "a", { left: 0n, spent: 35n });
    expect(decideSettle(over, "a", { left: 10n, spent: 30n })).toEqual({});
    expect(decideSettle(undefined, "a", { left: 0n, spent: 0n })).toEqual({});
  });

  test("warns once, when four fifths are used", () => {
    const { next, reserved } = reserve(undefined, "a", [79n]);
    expect(reserved.warning).toBeNull();
    const second = reserve(next, "b", [1n]);
    expect(second.reserved.warning).toBe(0.8);
    expect(reserve(second.next, "c", [10n]).reserved.warning).toBeNull();
    const { next: freed } = decideSettle(second.next, "a", { left: 0n, spent: 0n });
    expect(reserve(freed, "d", [90n]).reserved.warning).toBeNull();
  });

  test("is full when so many reservations are open that their record could not hold more", () => {
    const chunks = Object.fromEntries(
      Array.from({ length: 3000 }, (_, number) => [`c${number}`, { left: "1", spent: "0", at: NOON }]),
    );
    const day: BudgetDay = { version: 1, settled: "0", chunks, warned: true };
    expect(reserve(day, "one more", [1n], 1_000_000n).reserved.granted).toEqual([false]);
    expect(Buffer.byteLength(JSON.stringify(day))).toBeLessThan(300_000);
  });

  test("of chunks in any order of steps never has more admitted than the budget, and ends with nothing reserved", () => {
    const step = fc.record({
      chunk: fc.integer({ min: 0, max: 5 }),
      amounts: fc.array(fc.bigInt(1n, 60n), { minLength: 1, maxLength: 4 }),
      settles: fc.boolean(),
      share: fc.integer({ min: 0, max: 4 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let day: BudgetDay | undefined;
        for (const { chunk, amounts, settles, share } of steps) {
          const name = `c${chunk}`;
          if (!settles) {
            const before = day;
            const { reserved, next } = reserve(day, name, amounts);
            day = next ?? day;
            if (next === undefined) continue;
            const { spent, reserved: open } = usedOf(next);
            expect(spent + open).toBeLessThanOrEqual(100n);
            const granted = amounts.reduce(
              (sum, one, number) => sum + (reserved.granted[number] ? one : 0n),
              0n,
            );
            expect(open - (before ? usedOf(before).reserved : 0n)).toBe(granted);
            continue;
          }
          const standing = day?.chunks[name];
          if (standing === undefined) continue;
          const left = (BigInt(standing.left) * BigInt(share)) / 4n;
          day = decideSettle(day, name, { left, spent: BigInt(standing.left) - left }).next ?? day;
        }
        for (const name of Object.keys(day?.chunks ?? {}))
          day = decideSettle(day, name, { left: 0n, spent: 1n }).next ?? day;
        expect(day === undefined ? 0n : usedOf(day).reserved).toBe(0n);
      }),
    );
  });
});

test("a job reserves its estimated tokens at the price at once", () => {
  const { job } = aManifestEntry(1);
  // gpt-5-nano: 0.05 and 0.40 dollars per million tokens.
  expect(reservedFor({ ...job, estimate: { inputTokens: 1000, outputTokens: 100 } }, NOON)).toBe(90_000_000n);
  expect(budgetOf(1.5)).toBe(1_500_000n);
});
