import type { Instant } from "../instant.ts";
import { addDays, type Day, localMoment } from "./local-time.ts";

/** Days before yesterday that are caught up when their runs were missed: a week in all. */
const LOOK_BACK_DAYS = 6;

type Hours = { readonly timeZone: string; readonly hour: number };

/**
 * The last day whose leads may be scored at `now`: yesterday, once the tenant's own clocks have reached its hour. An hour
 * that daylight saving skips is over as soon as the clocks show a later one; one that it repeats is reached once.
 */
export function lastDueDay(now: Instant, { timeZone, hour }: Hours): Day {
  const local = localMoment(now, timeZone);
  return addDays(local.day, local.hour >= hour ? -1 : -2);
}

/**
 * The days to be looked at, oldest first: all up to `lastDueDay`, but none before `since`, the first that was due when the
 * workload was switched on, and none that is more than a week old.
 */
export function dueDays(now: Instant, hours: Hours, since: Day): Day[] {
  const last = lastDueDay(now, hours);
  const days = Array.from({ length: LOOK_BACK_DAYS + 1 }, (_, age) => addDays(last, age - LOOK_BACK_DAYS));
  return days.filter((day) => day >= since);
}
