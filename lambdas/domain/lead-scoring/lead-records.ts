import { z } from "zod";
import type { TenantId } from "../ids.ts";
import type { Decision, RecordKey, RecordKind } from "../workload-record.ts";
import { type Draft, draftSchema } from "./draft.ts";
import { type LeadRow, leadRowSchema } from "./lead-row.ts";
import { type LeadRun, leadRunSchema } from "./lead-run.ts";
import type { Day } from "./local-time.ts";

/** Days after which a day's records are forgotten: they hold personal data. */
const KEPT_DAYS = 90;

function afterDay({ day }: { readonly day: Day }): number {
  return Date.parse(day) / 1000 + KEPT_DAYS * 86_400;
}

/** From which day on a tenant's leads are scored. */
const leadStartSchema = z.object({ version: z.literal(1), since: z.string() });
type LeadStart = z.infer<typeof leadStartSchema>;

/** The first look decides. */
export function decideStart(current: LeadStart | undefined, day: Day): Decision<LeadStart, Day> {
  if (current !== undefined) return { answer: current.since };
  return { answer: day, next: { version: 1, since: day } };
}

/** Never: it is as good in ten years. */
const FAR = 4_102_444_800;

export const LEAD_START: RecordKind<LeadStart> = { schema: leadStartSchema, expiresAt: () => FAR };
export const LEAD_RUN: RecordKind<LeadRun> = { schema: leadRunSchema, expiresAt: afterDay };
export const LEAD_ROW: RecordKind<LeadRow> = { schema: leadRowSchema, expiresAt: afterDay };
export const DRAFT: RecordKind<Draft> = { schema: draftSchema, expiresAt: afterDay };

/** The keys of the workload's records, in one place. */
export const leadKeys = {
  start: (tenantId: TenantId): RecordKey => ({ pk: `LEADS#START#${tenantId}`, sk: "SINCE" }),
  run: (tenantId: TenantId, day: Day): RecordKey => ({ pk: leadKeys.runs(tenantId), sk: day }),
  runs: (tenantId: TenantId): string => `LEADS#RUNS#${tenantId}`,
  lead: (tenantId: TenantId, day: Day, leadId: string): RecordKey => ({
    pk: leadKeys.leads(tenantId, day),
    sk: leadId,
  }),
  leads: (tenantId: TenantId, day: Day): string => `LEADS#DAY#${tenantId}#${day}`,
  draft: (tenantId: TenantId, day: Day, leadId: string): RecordKey => ({
    pk: leadKeys.drafts(tenantId),
    sk: `${day}/${leadId}`,
  }),
  drafts: (tenantId: TenantId): string => `LEADS#DRAFTS#${tenantId}`,
  /** What the drafts of one day begin with. */
  draftsOf: (day: Day): string => `${day}/`,
};
