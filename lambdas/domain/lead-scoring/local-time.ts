import type { Instant } from "../instant.ts";

/** A calendar day, `YYYY-MM-DD`, in whatever time zone it is a day of. */
export type Day = string;

/** What the clocks of a time zone show. */
export type LocalMoment = { readonly day: Day; readonly hour: number };

const DAY_MS = 86_400_000;

/** By time zone: to make one takes far longer than to use it, and every tenant's is asked for each hour. */
const FORMATS = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const made = FORMATS.get(timeZone) ?? clockFormat(timeZone);
  FORMATS.set(timeZone, made);
  return made;
}

function clockFormat(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat("en-US", {
    timeZone,
    calendar: "iso8601",
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
  });
}

/** The day and the hour, 0 to 23, that clocks in an IANA time zone show at `now`, daylight saving included. */
export function localMoment(now: Instant, timeZone: string): LocalMoment {
  const parts = new Map(
    formatOf(timeZone)
      .formatToParts(now)
      .map(({ type, value }) => [type, value]),
  );
  const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? "";
  return { day: `${part("year")}-${part("month")}-${part("day")}`, hour: Number(part("hour")) };
}

/** The day so many days later, or earlier. Calendar arithmetic: no day is longer or shorter than another. */
export function addDays(day: Day, days: number): Day {
  return new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);
}
