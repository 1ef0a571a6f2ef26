import type { Instant } from "../domain/instant.ts";

const GUARD_DAYS = 40;

/**
 * The `expiresAt` (epoch seconds) of a row that only guards against a second writer: beyond any execution, message or
 * provider file that could still bring one.
 */
export function guardExpiry(now: Instant): number {
  return Math.floor(now / 1000) + GUARD_DAYS * 86_400;
}
