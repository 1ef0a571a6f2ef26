import { z } from "zod";
import type { Instant } from "../instant.ts";
import type { Decision } from "../workload-record.ts";
import { leadIdSchema } from "./lead.ts";

/** Where the lead itself lies in the gateway bucket: one JSON line of a file that is never written again. */
const sourceSchema = z.object({
  key: z.string(),
  offset: z.int().nonnegative(),
  length: z.int().positive(),
});
export type LeadSource = z.infer<typeof sourceSchema>;

const identity = { version: z.literal(1), leadId: leadIdSchema, day: z.string(), source: sourceSchema };

/** A lead of one day, in the order of its states: `waiting` for its score, then `scored` or `unscored` for good. */
export const leadRowSchema = z.discriminatedUnion("state", [
  z.object({ ...identity, state: z.literal("waiting") }),
  z.object({
    ...identity,
    state: z.literal("scored"),
    at: z.number(),
    score: z.int().min(0).max(100),
    reason: z.string(),
  }),
  z.object({
    ...identity,
    state: z.literal("unscored"),
    at: z.number(),
    code: z.string(),
    message: z.string(),
  }),
]);
export type LeadRow = z.infer<typeof leadRowSchema>;

/** What came of a scoring job. */
export type ScoreOutcome =
  | { readonly kind: "answered"; readonly answer: { readonly score: number; readonly reason: string } }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

/** The first of several leads with one id counts, for the whole day. */
export function decideLead(
  current: LeadRow | undefined,
  lead: Pick<LeadRow, "leadId" | "day" | "source">,
): Decision<LeadRow, "new" | "known"> {
  if (current !== undefined) return { answer: "known" };
  return { answer: "new", next: { version: 1, ...lead, state: "waiting" } };
}

/** A lead is scored once: what comes after the first outcome changes nothing. */
export function decideScore(
  current: LeadRow | undefined,
  outcome: ScoreOutcome,
  at: Instant,
): Decision<LeadRow, "taken" | "known" | "stray"> {
  if (current === undefined) return { answer: "stray" };
  if (current.state !== "waiting") return { answer: "known" };
  const { version, leadId, day, source } = current;
  const lead = { version, leadId, day, source, at };
  const next: LeadRow =
    outcome.kind === "answered"
      ? { ...lead, state: "scored", ...outcome.answer }
      : { ...lead, state: "unscored", code: outcome.code, message: outcome.message };
  return { answer: "taken", next };
}
