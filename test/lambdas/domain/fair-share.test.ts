import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { maxMinShares, shareFairly } from "../../../lambdas/domain/fair-share.ts";

const anyDemands = fc.array(
  fc.record({
    units: fc.integer({ min: 0, max: 10_000 }),
    weight: fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.double({ min: 0.01, max: 10, noNaN: true })),
  }),
  { maxLength: 30 },
);
const anyCapacity = fc.integer({ min: 0, max: 60_000 });
const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);

describe("maxMinShares", () => {
  test("gives nobody less than its demand or its part by weight, rounded down", () => {
    fc.assert(
      fc.property(anyDemands, anyCapacity, (demands, capacity) => {
        const shares = maxMinShares(demands, capacity);
        const weights = sum(demands.filter(({ units }) => units > 0).map(({ weight }) => weight));
        for (const [number, { units, weight }] of demands.entries()) {
          const part = Math.floor((capacity * weight) / weights - 1e-6);
          expect(shares[number]).toBeGreaterThanOrEqual(Math.min(units, part));
          expect(shares[number]).toBeLessThanOrEqual(units);
        }
      }),
    );
  });

  test("hands out all that is asked for and there, in whole units", () => {
    fc.assert(
      fc.property(anyDemands, anyCapacity, (demands, capacity) => {
        const shares = maxMinShares(demands, capacity);
        expect(shares.every((share) => Number.isInteger(share) && share >= 0)).toBe(true);
        expect(sum(shares)).toBe(Math.min(capacity, sum(demands.map(({ units }) => units))));
      }),
    );
  });

  test("nobody has more for its weight than one who wants more, but for the last unit", () => {
    fc.assert(
      fc.property(anyDemands, anyCapacity, (demands, capacity) => {
        const shares = maxMinShares(demands, capacity);
        const of = (number: number) => shares[number] ?? 0;
        for (const [poor, wants] of demands.entries()) {
          if (of(poor) >= wants.units) continue;
          const level = (of(poor) + 1) / wants.weight;
          for (const [rich, { weight }] of demands.entries())
            expect((of(rich) - 1) / weight).toBeLessThanOrEqual(level + 1e-6);
        }
      }),
    );
  });
});

describe("shareFairly", () => {
  const anyClaimants = fc.array(
    fc.record({
      weight: fc.integer({ min: 1, max: 5 }),
      items: fc.array(fc.record({ units: fc.integer({ min: 0, max: 50 }), due: fc.nat(100) }), {
        maxLength: 20,
      }),
    }),
    { maxLength: 8 },
  );
  const share = (
    claimants: readonly { weight: number; items: readonly { units: number; due: number }[] }[],
    capacity: number,
  ) =>
    shareFairly(
      claimants,
      ({ units }) => units,
      (a, b) => a.due - b.due,
      capacity,
    );

  test("takes no more than there is, and leaves nothing that would fit", () => {
    fc.assert(
      fc.property(anyClaimants, fc.nat(1000), (claimants, capacity) => {
        const { taken, left } = share(claimants, capacity);
        const used = sum([...taken].map(({ units }) => units));
        expect(used).toBeLessThanOrEqual(capacity);
        for (const { units } of left) expect(units).toBeGreaterThan(capacity - used);
        expect(taken.size + left.length).toBe(sum(claimants.map(({ items }) => items.length)));
      }),
    );
  });

  test("a crowd of one party's keeps nobody else waiting, and what others do not want is its own", () => {
    const crowd = Array.from({ length: 100 }, (_, due) => ({ units: 1, due }));
    const few = Array.from({ length: 4 }, () => ({ units: 1, due: 1000 }));
    const { taken } = share(
      [
        { weight: 1, items: crowd },
        { weight: 1, items: few },
      ],
      20,
    );
    expect(few.every((item) => taken.has(item))).toBe(true);
    expect([...taken].filter((item) => item.due < 1000)).toEqual(crowd.slice(0, 16));
  });

  test("twice the weight is twice the share", () => {
    const items = () => Array.from({ length: 100 }, (_, due) => ({ units: 1, due }));
    const [one, two] = [items(), items()];
    const { taken } = share(
      [
        { weight: 1, items: one },
        { weight: 2, items: two },
      ],
      30,
    );
    expect([one, two].map((own) => own.filter((item) => taken.has(item)).length)).toEqual([10, 20]);
  });
});
