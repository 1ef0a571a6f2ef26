import { z } from "zod";

/** How a tenant's leads are scored each day; present: the workload is on for the tenant. */
export const leadScoringPolicySchema = z.strictObject({
  /** IANA name, such as `America/New_York`: whose day a lead belongs to, and when scoring begins. */
  timeZone: z
    .string()
    .refine((name) => isTimeZone(name), {
      error: 'must be an IANA time zone, such as "Europe/Berlin" or "UTC"',
    })
    .default("UTC"),
});
export type LeadScoringPolicy = z.infer<typeof leadScoringPolicySchema>;

function isTimeZone(name: string): boolean {
  try {
    Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
