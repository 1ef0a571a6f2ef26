/** A moment: milliseconds since the Unix epoch, UTC. The domain never asks for it; `now` is an argument. */
export type Instant = number;

/** ISO 8601 in UTC with milliseconds, as every message and stored record shows a moment. */
export function toIso(instant: Instant): string {
  return new Date(instant).toISOString();
}

/** The UTC calendar day of a moment, `YYYY-MM-DD`: the date under which the ledger files an entry. */
export function utcDate(instant: Instant): string {
  return toIso(instant).slice(0, 10);
}
