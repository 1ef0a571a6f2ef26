import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { costOf } from "../../../lambdas/domain/cost.ts";
import { fromMicroUsd, toMicroUsd } from "../../../lambdas/domain/money.ts";
import { directPremium } from "../../../lambdas/domain/premium.ts";
import { findPrice } from "../../../lambdas/domain/prices.ts";
import { servedLane } from "../../../lambdas/domain/served-lane.ts";
import { NO_USAGE } from "../../../lambdas/domain/usage.ts";

const at = Date.UTC(2026, 10, 21, 12);
const model = "gpt-5-nano";
const tokens = fc.nat(200_000);
const usageOf = fc
  .record({ inputTokens: tokens, cachedInputTokens: tokens, outputTokens: tokens })
  .map((some) => ({ ...NO_USAGE, ...some }));
const price = (lane: "sync" | "flex" | "batch") => findPrice(model, lane, at)!;

describe("what is spent on top of the planned lane", () => {
  test("is all that an escalated job costs beyond its batch, whichever answer comes first", () => {
    fc.assert(
      fc.property(
        usageOf,
        fc.constantFrom("sync" as const, "flex" as const),
        fc.boolean(),
        (usage, lane, won) => {
          const cost = costOf(usage, price(lane));
          const batch = costOf(usage, price("batch"));
          const direct = directPremium({ model, usage, cost, at, won }, { escalated: true });
          // The batch answers, too: its cost is planned when it wins, and premium when it does not.
          expect(direct + (won ? batch : 0n)).toBe(cost);
        },
      ),
    );
  });

  test("is the whole of the second of two calls, and nothing of the first or of any other call", () => {
    const call = { model, usage: NO_USAGE, cost: 7n, at };
    expect(directPremium({ ...call, won: false }, { hedged: true })).toBe(7n);
    expect(directPremium({ ...call, won: true }, { hedged: true })).toBe(0n);
    expect(directPremium({ ...call, won: false }, {})).toBe(0n);
    expect(directPremium({ ...call, won: true }, {})).toBe(0n);
  });
});

test.each([
  ["sync", { service_tier: "default" }, "sync"],
  ["flex", { service_tier: "default" }, "sync"],
  ["flex", { service_tier: "flex" }, "flex"],
  ["sync", { service_tier: "flex" }, "flex"],
  ["flex", {}, "flex"],
  ["sync", null, "sync"],
  ["sync", { service_tier: "priority" }, "sync"],
  ["sync", { service_tier: null }, "sync"],
] as const)("a call in lane %s that is answered with %o is billed as %s", (lane, response, billed) => {
  expect(servedLane(model, response, { lane, at })).toBe(billed);
});

test("a tier in which the model is not sold is not taken for one", () => {
  expect(servedLane("gpt-4o", { service_tier: "flex" }, { lane: "sync", at })).toBe("sync");
});

test("an amount comes back from its micro-dollars below a thousand dollars", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 1_000_000_000_000_000n }), (amount) => {
      expect(fromMicroUsd(toMicroUsd(amount))).toBe(amount);
    }),
  );
});
