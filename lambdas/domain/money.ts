import { z } from "zod";

/**
 * Money inside Offpeak: whole pico-dollars (10⁻¹² $). Providers quote dollars per million tokens, which is
 * micro-dollars per token, with up to four decimals: in pico-dollars every price of one token is an integer.
 */
export type PicoUsd = bigint;

const PICO_PER_MICRO = 1_000_000n;

/** A pico-dollar amount as every record and message carries it: a decimal string, since JSON numbers lose digits. */
export const picoUsdSchema = z
  .string()
  .regex(/^-?\d{1,30}$/)
  .transform(BigInt);

/**
 * The price of one token in pico-dollars, from dollars per million tokens as providers print it (`"0.0025"`).
 * Exact: throws RangeError when the text has more than six decimals or is not a plain decimal.
 */
export function picoPerToken(dollarsPerMillion: string): PicoUsd {
  const match = /^(\d+)(?:\.(\d{1,6}))?$/.exec(dollarsPerMillion);
  if (!match) throw new RangeError(`not a price in dollars per million tokens: ${dollarsPerMillion}`);
  return BigInt(match[1] ?? "0") * PICO_PER_MICRO + BigInt((match[2] ?? "").padEnd(6, "0"));
}

/** Micro-dollars as a JSON number, for people and dashboards; the exact amount travels beside it as pico-dollars. */
export function toMicroUsd(amount: PicoUsd): number {
  return Number(amount) / Number(PICO_PER_MICRO);
}

/** The amount that toMicroUsd was given: exact below a thousand dollars, beyond which a JSON number loses digits. */
export function fromMicroUsd(microUsd: number): PicoUsd {
  return BigInt(Math.round(microUsd * Number(PICO_PER_MICRO)));
}

/** `$1.234567`: dollars with `decimals` places (rounded half up, at most 12), for tables a person reads. */
export function formatUsd(amount: PicoUsd, decimals = 6): string {
  const unit = 10n ** BigInt(12 - decimals);
  const magnitude = amount < 0n ? -amount : amount;
  const rounded = (magnitude + unit / 2n) / unit;
  const digits = rounded.toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = decimals > 0 ? `.${digits.slice(-decimals)}` : "";
  return `${amount < 0n ? "-" : ""}$${whole}${fraction}`;
}
