import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatUsd, picoPerToken, picoUsdSchema, toMicroUsd } from "../../../lambdas/domain/money.ts";

describe("the price of a token", () => {
  test.each([
    ["0.05", 50_000n],
    ["0.0025", 2_500n],
    ["10", 10_000_000n],
    ["1.875", 1_875_000n],
    ["0.000001", 1n],
    ["0", 0n],
  ])("$%s per million tokens is %d pico-dollars each", (price, pico) => {
    expect(picoPerToken(price)).toBe(pico);
  });

  test.each(["", "-1", "1e3", ".5", "1.", "1,5", "0.0000001", " 1", "$1"])("%j is no price", (text) => {
    expect(() => picoPerToken(text)).toThrow(RangeError);
  });

  test("a million tokens cost what the provider prints", () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.nat(999_999), (whole, fraction) => {
        const printed = `${whole}.${String(fraction).padStart(6, "0")}`;
        expect(formatUsd(picoPerToken(printed) * 1_000_000n)).toBe(`$${printed}`);
      }),
    );
  });
});

describe("showing money", () => {
  test.each([
    [48_300_000n, 6, "$0.000048"],
    [48_300_000n, 9, "$0.000048300"],
    [1_500_000_000_000n, 2, "$1.50"],
    [5_000_000_000n, 2, "$0.01"],
    [4_999_999_999n, 2, "$0.00"],
    [999_999_999_999n, 0, "$1"],
    [-1_250_000_000_000n, 1, "-$1.3"],
    [1n, 12, "$0.000000000001"],
  ])("%d pico-dollars with %d decimals is %s", (amount, decimals, text) => {
    expect(formatUsd(amount, decimals)).toBe(text);
  });

  test("nothing is lost with twelve decimals", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), (amount) => {
        const [, sign, whole, fraction] = /^(-?)\$(\d+)\.(\d{12})$/.exec(formatUsd(amount, 12)) ?? [];
        expect(BigInt(`${sign}${whole}${fraction}`)).toBe(amount);
      }),
    );
  });

  test("what is left out by rounding is at most half of the last place", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 18n }),
        fc.integer({ min: 1, max: 11 }),
        (amount, places) => {
          const [, whole, fraction] = /^\$(\d+)\.(\d+)$/.exec(formatUsd(amount, places)) ?? [];
          const unit = 10n ** BigInt(12 - places);
          const shown = BigInt(`${whole}${fraction}`) * unit;
          const error = shown > amount ? shown - amount : amount - shown;
          expect(error * 2n).toBeLessThanOrEqual(unit);
        },
      ),
    );
  });

  test("micro-dollars are a millionth of what is exact", () => {
    expect(toMicroUsd(48_300_000n)).toBe(48.3);
    expect(toMicroUsd(0n)).toBe(0);
  });
});

test("amounts travel as decimal strings, exactly", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 29n), max: 10n ** 29n }), (amount) => {
      expect(picoUsdSchema.parse(amount.toString())).toBe(amount);
    }),
  );
  for (const text of ["", "1.5", "1e6", "0x10", " 1"]) {
    expect(picoUsdSchema.safeParse(text).success).toBe(false);
  }
});
