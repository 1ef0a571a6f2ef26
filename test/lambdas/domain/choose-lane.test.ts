import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  chooseLane,
  costOfWaiting,
  type LaneJob,
  type LaneOffer,
  type LaneTerms,
  ratesOf,
  tokenCost,
} from "../../../lambdas/domain/choose-lane.ts";
import { priorEstimate } from "../../../lambdas/domain/completion-times.ts";
import { findPrice } from "../../../lambdas/domain/prices.ts";
import type { Lane } from "../../../lambdas/domain/vocabulary.ts";

const NOW = Date.UTC(2026, 10, 21, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function rates(model: string) {
  const row = (lane: Lane) => findPrice(model, lane, NOW);
  const [batch, sync] = [row("batch"), row("sync")];
  if (!batch || !sync) throw new Error(`${model} has no price`);
  return ratesOf(batch, sync, row("flex"));
}

const TERMS: LaneTerms = {
  rates: rates("gpt-5"),
  doneWithin: priorEstimate(),
  startMs: MINUTE,
  flexRefusal: 0.3,
  flexAgain: { times: 3, pauseMs: 30_000 },
  flexWaitPicoUsd: 0,
  lateBilled: 0.3,
  pace: {
    jobsPerSecond: 10,
    marginMs: 5 * MINUTE,
    callMs: { flex: 12 * MINUTE, sync: MINUTE },
    stopMs: 17 * MINUTE,
  },
};
const NO_FLEX: LaneTerms = { ...TERMS, rates: rates("gpt-4o") };
const OFFER: LaneOffer = {
  now: NOW,
  backlog: 1,
  fixedPicoUsd: 0,
  fits: true,
  nextLook: NOW + 10 * MINUTE,
};

const job = (left: number): LaneJob => ({ due: NOW + left, inputTokens: 1000, outputTokens: 200 });
const choose = (left: number, terms = TERMS, offer: Partial<LaneOffer> = {}) =>
  chooseLane(job(left), terms, { ...OFFER, ...offer });
/** A stage where batches have not ended for hours. */
const outage = (terms: LaneTerms): LaneTerms => ({
  ...terms,
  doneWithin: (ms) => (ms > 6 * HOUR ? 0.9 : 0.05),
});

describe("chooseLane", () => {
  test("takes the batch when there is time, and tells the chance that it is late", () => {
    expect(choose(24 * HOUR)).toMatchObject({ lane: "batch", isNow: true, reason: "late with 0 %" });
    expect(choose(HOUR)).toMatchObject({ lane: "batch", isNow: true, reason: "late with 22 %" });
  });

  test("takes flex where a batch would be late too often, and sync where flex is not sold", () => {
    expect(choose(HOUR, outage(TERMS))).toMatchObject({
      lane: "flex",
      reason: "a batch would be late with 95 %: flex is cheaper",
    });
    expect(choose(HOUR, outage(NO_FLEX))).toMatchObject({
      lane: "sync",
      reason: "a batch would be late with 95 %, and flex is not sold for its model: sync is cheaper",
    });
    expect(choose(24 * HOUR, outage(TERMS)).lane).toBe("batch");
  });

  test("takes sync when waiting for flex costs us more than flex saves", () => {
    const dear = { ...outage(TERMS), flexWaitPicoUsd: 1e12 };
    expect(choose(HOUR, dear).lane).toBe("sync");
  });

  test("counts on flex being tried again, as often as there is time for", () => {
    const { sync, flex } = TERMS.rates;
    const cost = (left: number) => choose(left, outage(TERMS)).expectedPicoUsd;
    const refused = (share: number) =>
      (1 - share) * tokenCost(job(0), flex!) + share * tokenCost(job(0), sync);
    // Twelve minutes for the call and one for sync after it.
    expect(cost(12 * MINUTE + 1000)).toBeCloseTo(refused(0.3));
    expect(cost(13.6 * MINUTE)).toBeCloseTo(refused(0.3 ** 2));
    expect(cost(30 * MINUTE)).toBeCloseTo(refused(0.3 ** 4));
  });

  test("takes the only lane that is in time, whatever it costs", () => {
    expect(choose(8 * MINUTE)).toMatchObject({
      lane: "sync",
      isInTime: true,
      reason: "no batch is in time with 8 min left: sync is the cheapest that is",
    });
    // Ten a second: with 6,000 before it, a faster lane takes ten minutes more.
    expect(choose(15 * MINUTE, outage(TERMS)).lane).toBe("flex");
    expect(choose(15 * MINUTE, outage(TERMS), { backlog: 6000 }).lane).toBe("sync");
  });

  test("is as quick as it can where nothing is in time", () => {
    expect(choose(-HOUR)).toMatchObject({
      lane: "sync",
      isInTime: false,
      reason: "overdue: sync is the quickest",
    });
    expect(choose(20_000)).toMatchObject({
      lane: "sync",
      reason: "too late for every lane: sync is the quickest",
    });
    // Three hours' worth of calls before it.
    expect(choose(-HOUR, TERMS, { backlog: 108_000 })).toMatchObject({ lane: "batch", isInTime: false });
  });

  test("counts its part of what a batch costs us", () => {
    const { sync } = TERMS.rates;
    const few = { fixedPicoUsd: tokenCost(job(0), sync) };
    expect(choose(24 * HOUR, NO_FLEX, few)).toMatchObject({
      lane: "sync",
      reason: "too little company for a batch, and flex is not sold for its model: sync is cheaper",
    });
  });

  test("without room waits for the next window while there is time, then takes a direct lane", () => {
    expect(choose(24 * HOUR, TERMS, { fits: false })).toMatchObject({ lane: "batch", isNow: false });
    expect(choose(20 * MINUTE, TERMS, { fits: false })).toMatchObject({
      isNow: true,
      lane: "flex",
      reason: "no room in a batch before it is due: flex is the cheapest in time",
    });
    expect(choose(24 * HOUR, TERMS, { fits: false, nextLook: Infinity }).lane).toBe("flex");
  });

  const anyTerms = fc
    .record({
      model: fc.constantFrom("gpt-5", "gpt-4o", "gpt-5-nano", "claude-haiku-4-5"),
      done: fc.double({ min: 0, max: 1, noNaN: true }),
      flexRefusal: fc.double({ min: 0, max: 1, noNaN: true }),
      flexWaitPicoUsd: fc.integer({ min: 0, max: 1e9 }),
    })
    .map(({ model, done, ...rest }): LaneTerms => ({
      ...TERMS,
      ...rest,
      rates: rates(model),
      doneWithin: (ms) => (ms <= 0 ? 0 : Math.min(1, done + ms / (48 * HOUR))),
    }));
  const anyLeft = fc.integer({ min: -2 * HOUR, max: 48 * HOUR });
  const anyOffer = fc.record({
    backlog: fc.integer({ min: 1, max: 200_000 }),
    fixedPicoUsd: fc.integer({ min: 0, max: 1e9 }),
    fits: fc.boolean(),
  });

  test("a lane that is not in time is taken only when none is", () => {
    fc.assert(
      fc.property(anyTerms, anyLeft, anyOffer, (terms, left, offer) => {
        const choice = choose(left, terms, offer);
        const syncMs = (offer.backlog / 10) * 1000 + MINUTE;
        if (left >= syncMs) expect(choice.isInTime).toBe(true);
        if (!choice.isInTime) expect(left).toBeLessThan(syncMs);
        expect(choice.expectedPicoUsd).toBeGreaterThan(0);
        if (choice.lane === "flex") expect(terms.rates.flex).toBeDefined();
        expect(choice.reason).not.toBe("");
      }),
    );
  });

  test("never expects to pay more than sync costs while sync is in time", () => {
    fc.assert(
      fc.property(anyTerms, anyLeft, anyOffer, (terms, left, offer) => {
        fc.pre(left >= (offer.backlog / 10) * 1000 + MINUTE);
        const { expectedPicoUsd } = choose(left, terms, offer);
        expect(expectedPicoUsd).toBeLessThanOrEqual(tokenCost(job(left), terms.rates.sync) + 1);
      }),
    );
  });

  test("waiting costs what is cheapest then, and is no choice where nothing will be in time", () => {
    expect(costOfWaiting(job(24 * HOUR), TERMS, OFFER, OFFER.nextLook)).toBeCloseTo(
      choose(24 * HOUR).expectedPicoUsd,
      -6,
    );
    expect(costOfWaiting(job(9 * MINUTE), TERMS, OFFER, OFFER.nextLook)).toBe(Infinity);
  });
});
