import { z } from "zod";
import { schemaProblem } from "../schema-problem.ts";

/** What a lead may say for itself, in characters. */
const LONGEST_TEXT = 16_000;

export const leadIdSchema = z
  .string()
  .regex(/^[\w.@+-]{1,64}$/, "a lead's id is 1 to 64 of letters, digits and _ . @ + -");

/** One lead as a tenant drops it. Fields that are not named here are left out. */
export const leadSchema = z.object({
  /** The tenant's own; once a day. */
  id: leadIdSchema,
  name: z.string().trim().min(1).max(200),
  email: z.email().max(254),
  company: z.string().trim().max(200).optional(),
  source: z.string().max(200).optional(),
  notes: z.string().max(LONGEST_TEXT).optional(),
  transcript: z.string().max(LONGEST_TEXT).optional(),
});
export type Lead = z.infer<typeof leadSchema>;

/** What is wrong with a lead; never what it says. */
type RefusedLead = { readonly line: number; readonly problem: string };

export type ReadLeads = { readonly leads: readonly Lead[]; readonly refused: readonly RefusedLead[] };

/**
 * The leads of one file: JSONL, or a JSON array, or one JSON object. A lead that cannot be read is refused alone, with its
 * line (of an array, its place), from 1; of several with one id the first counts.
 */
export function readLeads(text: string): ReadLeads {
  const leads = new Map<string, Lead>();
  const refused: RefusedLead[] = [];
  for (const { line, json } of valuesOf(text)) {
    const parsed = leadSchema.safeParse(json);
    if (!parsed.success) {
      const problem = json === undefined ? "is not JSON" : schemaProblem(parsed.error);
      refused.push({ line, problem });
    } else if (leads.has(parsed.data.id)) {
      refused.push({ line, problem: "has the id of another lead of the file" });
    } else leads.set(parsed.data.id, parsed.data);
  }
  return { leads: [...leads.values()], refused };
}

type Value = { readonly line: number; readonly json: unknown };

/** `json` is undefined where there is none. Only the line feed ends a line, as in all JSONL. */
function valuesOf(text: string): Value[] {
  const whole = parseJson(text);
  if (Array.isArray(whole)) return whole.map((json: unknown, place) => ({ line: place + 1, json }));
  if (whole !== undefined) return [{ line: 1, json: whole }];
  return text
    .split("\n")
    .map((line, place) => ({ line: place + 1, text: line.trim() }))
    .filter(({ text: line }) => line !== "")
    .map(({ line, text: json }) => ({ line, json: parseJson(json) }));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
