import { z } from "zod";
import type { Instant } from "./instant.ts";

const MINUTE_MS = 60_000;

/** How far a tenant's minutes are given away: all before `minute` are full, and of that one `used` places are taken. */
export const bookedMinutesSchema = z.object({
  version: z.literal(1),
  /** The beginning of a UTC minute, milliseconds. */
  minute: z.number(),
  used: z.number().int().nonnegative(),
});
export type BookedMinutes = z.infer<typeof bookedMinutesSchema>;

/** Places that some jobs of a tenant ask for, in the order in which they are given. */
export type PlaceRequest = {
  /** Jobs in a minute. */
  readonly limit: number;
  readonly now: Instant;
  /** For each job, when a minute begins too late for it. */
  readonly before: readonly Instant[];
};

/** For each job the beginning of its minute, which may be now; null where every minute before its time is full. */
export type Places = readonly (Instant | null)[];

/** The beginning of the minute after the one of `now`: a job that cannot wait asks for a place before then. */
export function nextMinute(now: Instant): Instant {
  return minuteOf(now) + MINUTE_MS;
}

/**
 * Gives each job a place in the first minute that has one. A job that finds none takes none. What was given stays given:
 * a job whose message is delivered again may take another, so that fewer than the limit may run, and never more.
 */
export function decidePlaces(
  current: BookedMinutes | undefined,
  { limit, now, before }: PlaceRequest,
): { readonly places: Places; readonly next?: BookedMinutes } {
  const first = minuteOf(now);
  let minute = first;
  let used = 0;
  if (current !== undefined && current.minute >= first) ({ minute, used } = current);
  let taken = false;
  const places = before.map((until) => {
    const full = used >= limit;
    const next = full ? minute + MINUTE_MS : minute;
    if (next >= until) return null;
    taken = true;
    used = full ? 1 : used + 1;
    minute = next;
    return minute;
  });
  return taken ? { places, next: { version: 1, minute, used } } : { places };
}

function minuteOf(now: Instant): Instant {
  return Math.floor(now / MINUTE_MS) * MINUTE_MS;
}
