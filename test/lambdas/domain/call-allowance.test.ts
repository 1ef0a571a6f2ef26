import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  afterAnswer,
  afterBegin,
  type CallAllowance,
  NOTHING_KNOWN,
  waitBeforeCall,
} from "../../../lambdas/domain/call-allowance.ts";

const NOW = Date.UTC(2026, 10, 21, 12);
const told = (requests: number, resetMs: number, limit?: number): CallAllowance =>
  afterAnswer(
    NOTHING_KNOWN,
    { retryAfterMs: null, allowance: { requests, resetMs, ...(limit !== undefined && { limit }) } },
    NOW,
  );

describe("calls within a provider's limits", () => {
  test("wait for nothing while nothing is known", () => {
    expect(waitBeforeCall(NOTHING_KNOWN, false, NOW)).toBe(0);
  });

  test("wait for as long as the provider asks, critical ones too, and a shorter word does not shorten it", () => {
    const asked = afterAnswer(NOTHING_KNOWN, { retryAfterMs: 30_000 }, NOW);
    const later = afterAnswer(asked, { retryAfterMs: 1_000, allowance: { requests: 99, resetMs: 5 } }, NOW);
    for (const isCritical of [true, false]) {
      expect(waitBeforeCall(later, isCritical, NOW + 10_000)).toBe(20_000);
      expect(waitBeforeCall(later, isCritical, NOW + 30_000)).toBe(0);
    }
  });

  test("slow down before they are refused: one call for each that comes back, the last ones for critical jobs", () => {
    // 60 in a minute, one comes back each second.
    const known = told(2, 58_000, 60);
    expect(waitBeforeCall(known, true, NOW)).toBe(0);
    expect(waitBeforeCall(known, false, NOW)).toBe(4_000);
    const both = afterBegin(afterBegin(known));
    expect(waitBeforeCall(both, true, NOW)).toBe(1_000);
    expect(waitBeforeCall(both, true, NOW + 1_000)).toBe(0);
    expect(waitBeforeCall(afterBegin(both), true, NOW + 1_000)).toBe(1_000);
  });

  test("wait until the limit is whole where nobody says how much that is", () => {
    expect(waitBeforeCall(told(0, 7_000), true, NOW)).toBe(7_000);
    expect(waitBeforeCall(told(0, 7_000), true, NOW + 7_000)).toBe(0);
  });

  test("never wait beyond what the provider said, and a critical one never longer than another", () => {
    const answer = fc.record({
      retryAfterMs: fc.option(fc.nat(100_000)),
      requests: fc.integer({ min: 0, max: 50 }),
      resetMs: fc.nat(100_000),
      limit: fc.integer({ min: 1, max: 60 }),
      begun: fc.nat(80),
      elapsed: fc.nat(120_000),
    });
    fc.assert(
      fc.property(answer, ({ retryAfterMs, requests, resetMs, limit, begun, elapsed }) => {
        let known = afterAnswer(
          NOTHING_KNOWN,
          { retryAfterMs, allowance: { requests, resetMs, limit } },
          NOW,
        );
        for (let call = 0; call < begun; call += 1) known = afterBegin(known);
        const now = NOW + elapsed;
        const wait = waitBeforeCall(known, false, now);
        expect(waitBeforeCall(known, true, now)).toBeLessThanOrEqual(wait);
        expect(wait).toBeGreaterThanOrEqual(Math.max(0, (retryAfterMs ?? 0) - elapsed));
        expect(now + wait).toBeLessThanOrEqual(Math.max(now, NOW + Math.max(retryAfterMs ?? 0, resetMs)));
        // When the wait is over there is nothing more to wait for.
        expect(waitBeforeCall(known, false, now + wait)).toBe(0);
      }),
    );
  });
});
