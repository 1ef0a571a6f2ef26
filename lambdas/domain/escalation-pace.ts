import { z } from "zod";
import type { EscalationPace } from "./cut-offs.ts";

/** The pace as settings and environments hold it, in seconds. */
export const escalationPaceSchema = z
  .object({
    jobsPerSecond: z.number().positive(),
    marginSeconds: z.number().nonnegative(),
    flexSeconds: z.number().positive(),
    syncSeconds: z.number().positive(),
    stopSeconds: z.number().positive(),
  })
  .transform(({ jobsPerSecond, marginSeconds, flexSeconds, syncSeconds, stopSeconds }): EscalationPace => ({
    jobsPerSecond,
    marginMs: marginSeconds * 1000,
    callMs: { flex: flexSeconds * 1000, sync: syncSeconds * 1000 },
    stopMs: stopSeconds * 1000,
  }));

/**
 * Ten jobs a second is what ten workers keep up with calls of ten seconds, ten at a time. A flex call is given up after 12
 * minutes, a synchronous one after 55 seconds. The margin holds one look that was missed, and a worker that died.
 */
export const DEFAULT_ESCALATION_SECONDS = {
  jobsPerSecond: 10,
  marginSeconds: 300,
  flexSeconds: 720,
  syncSeconds: 60,
  stopSeconds: 1020,
} as const;
