import { z } from "zod";
import type { Instant } from "../instant.ts";
import type { Decision } from "../workload-record.ts";

/** How long a run is its holder's after the last sign of life: several looks at its answers. */
const HOLD_MS = 45 * 60_000;

/** The run of one tenant's day. `holder` is the execution that works on it; a done run is nobody's. */
export const leadRunSchema = z.object({
  version: z.literal(1),
  day: z.string(),
  state: z.enum(["running", "done"]),
  holder: z.string(),
  heldUntil: z.number(),
  startedAt: z.number(),
  endedAt: z.number().nullable(),
  leads: z.int().nonnegative(),
  /** Leads and files that could not be read: how many, and what is wrong with the first of them. */
  refused: z.int().nonnegative(),
  problems: z.array(z.object({ file: z.string(), line: z.int().nullable(), problem: z.string() })),
});
export type LeadRun = z.infer<typeof leadRunSchema>;

export type RunClaim = {
  readonly day: string;
  readonly holder: string;
  readonly now: Instant;
  /** An operator asks for a day that may be done already. */
  readonly again: boolean;
};

/**
 * Whether the holder is to work on the day: nobody has yet, or whoever did has given no sign of life for long. A claim that
 * is made twice is the same claim. The waits begin anew with each holder.
 */
export function decideClaim(
  current: LeadRun | undefined,
  { day, holder, now, again }: RunClaim,
): Decision<LeadRun, "claimed" | "left"> {
  if (current?.state === "done" && (!again || current.holder === holder)) return { answer: "left" };
  if (current?.state === "running") {
    if (current.holder === holder) return { answer: "claimed" };
    if (current.heldUntil > now) return { answer: "left" };
  }
  const counts = current ?? { leads: 0, refused: 0, problems: [] };
  const next: LeadRun = {
    ...counts,
    version: 1,
    day,
    state: "running",
    holder,
    heldUntil: now + HOLD_MS,
    startedAt: now,
    endedAt: null,
  };
  return { answer: "claimed", next };
}

/** What a step of the run found out. */
export type RunNews = Partial<Pick<LeadRun, "leads" | "refused" | "problems">>;

/** A sign of life of the holder. `lost`: the run is another's by now, or done. */
export function decideHold(
  current: LeadRun | undefined,
  holder: string,
  now: Instant,
  news: RunNews = {},
): Decision<LeadRun, LeadRun | "lost"> {
  if (current === undefined || current.state === "done" || current.holder !== holder)
    return { answer: "lost" };
  const next: LeadRun = { ...current, ...news, heldUntil: now + HOLD_MS };
  return { answer: next, next };
}

/** The end of the run, by its holder. */
export function decideDone(
  current: LeadRun | undefined,
  holder: string,
  now: Instant,
): Decision<LeadRun, "done" | "lost"> {
  if (current === undefined || current.holder !== holder) return { answer: "lost" };
  if (current.state === "done") return { answer: "done" };
  return { answer: "done", next: { ...current, state: "done", endedAt: now } };
}

const HOUR_MS = 3_600_000;

type Patience = { readonly hoursForScores: number; readonly hoursForDrafts: number };

/** Until when a run waits for scores. */
export function scoresUntil({ startedAt }: LeadRun, { hoursForScores }: Patience): Instant {
  return startedAt + hoursForScores * HOUR_MS;
}

/** Until when a run waits for drafts. */
export function draftsUntil(run: LeadRun, policy: Patience): Instant {
  return scoresUntil(run, policy) + policy.hoursForDrafts * HOUR_MS;
}

/** Seconds: often at first, when a small day is soon done, and then ever more rarely. */
const SHORTEST_WAIT = 30;
const LONGEST_WAIT = 900;

/** Whether a run that misses some answers goes on, or how many seconds later it looks again. */
export function nextLook(
  run: LeadRun,
  { missing, until, now }: { readonly missing: number; readonly until: Instant; readonly now: Instant },
): { readonly phase: "ready" | "waiting"; readonly waitSeconds: number } {
  const left = (until - now) / 1000;
  if (missing === 0 || left <= 0) return { phase: "ready", waitSeconds: 0 };
  const wait = Math.min(LONGEST_WAIT, Math.max(SHORTEST_WAIT, (now - run.startedAt) / 10_000));
  return { phase: "waiting", waitSeconds: Math.ceil(Math.min(wait, left)) };
}
