import { z } from "zod";

const oneLine = z.string().regex(/^[^\p{Cc}\p{Cs}]{1,200}$/u, "1 to 200 characters, no control characters");
const modelSchema = z.strictObject({
  /** Of OpenAI's chat completions, or an alias of the tenant's `routes`. */
  model: z.string().min(1).max(64),
  /** The provider's own word for how much the model thinks; left out for models that do not. */
  reasoningEffort: z.string().min(1).max(32).optional(),
});

/** A tenant's own e-mail: what stands in its fields is checked when a tenants file is read. */
const emailTemplateSchema = z.strictObject({
  html: z.string().min(1).max(65_536),
  text: z.string().min(1).max(65_536),
});
export type EmailTemplate = z.infer<typeof emailTemplateSchema>;

/** How a tenant's leads are scored each day; present: the workload is on for the tenant. */
export const leadScoringPolicySchema = z.strictObject({
  /** IANA name, such as `America/New_York`: whose day a lead belongs to, and when scoring begins. */
  timeZone: z
    .string()
    .refine((name) => isTimeZone(name), {
      error: 'must be an IANA time zone, such as "Europe/Berlin" or "UTC"',
    })
    .default("UTC"),
  /** From which hour of the tenant's own day, 0 to 23, the leads of the day before are scored. */
  hour: z.int().min(0).max(23).default(2),
  /** Tags the jobs, and so their ledger entries. */
  vertical: oneLine.max(64).default("sales"),
  /** What the tenant sells and to whom, in its own words: the model is told. */
  business: z.string().max(4_000).default(""),
  /** Leads with at least this score, of 100, get a draft. */
  threshold: z.int().min(0).max(100).default(70),
  scoring: modelSchema.default({ model: "gpt-5-nano", reasoningEffort: "minimal" }),
  drafting: modelSchema.default({ model: "gpt-5-mini", reasoningEffort: "minimal" }),
  /** Hours that a run waits for its scores, and then for its drafts; it goes on with what is there by then. */
  hoursForScores: z.number().positive().max(24).default(4),
  hoursForDrafts: z.number().positive().max(24).default(4),
  /** Who the e-mails are from. Without it there are drafts, which cannot be sent. */
  sender: z
    .strictObject({
      name: oneLine,
      email: z.email(),
      /** Stands at the foot of each e-mail, as the law asks in many places. */
      address: oneLine.optional(),
    })
    .optional(),
  /** In place of the template that comes with the gateway. */
  template: emailTemplateSchema.optional(),
});
export type LeadScoringPolicy = z.infer<typeof leadScoringPolicySchema>;

function isTimeZone(name: string): boolean {
  try {
    return Intl.DateTimeFormat("en", { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}
