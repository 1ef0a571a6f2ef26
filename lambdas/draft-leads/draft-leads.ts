import pMap from "p-map";
import { decideBegin } from "../domain/lead-scoring/draft.ts";
import { leadSchema } from "../domain/lead-scoring/lead.ts";
import { draftingJob } from "../domain/lead-scoring/lead-jobs.ts";
import { DRAFT, LEAD_ROW, leadKeys } from "../domain/lead-scoring/lead-records.ts";
import type { LeadRow, LeadSource } from "../domain/lead-scoring/lead-row.ts";
import { draftsUntil } from "../domain/lead-scoring/lead-run.ts";
import { parseStoredJson } from "../domain/stored-json.ts";
import { WORKLOAD_AGENTS } from "../domain/workloads.ts";
import { holdRun, type RunStep } from "../score-leads/held-run.ts";
import type { ScorePorts } from "../score-leads/score-leads.ts";
import { sendLeadJobs } from "../score-leads/send-lead-jobs.ts";

type ScoredLead = Extract<LeadRow, { state: "scored" }>;

export type DraftAnswer = { readonly kind: "sent" | "lost"; readonly drafts: number };

/** Reads and writes at the same time. */
const AT_ONCE = 16;

/** Sends a drafting job for each of the day's leads whose score reaches the tenant's threshold, unless it has a draft. */
export async function draftLeads(step: RunStep, ports: ScorePorts): Promise<DraftAnswer> {
  const { tenantId, day } = step;
  const held = await holdRun(step, ports);
  if (held === undefined) return { kind: "lost", drafts: 0 };
  const { policy, run } = held;
  const chosen: ScoredLead[] = [];
  for await (const row of ports.records.list(LEAD_ROW, leadKeys.leads(tenantId, day)))
    if (row.state === "scored" && row.score >= policy.threshold) chosen.push(row);
  const begun = await pMap(chosen, (row) => begin(row, step, ports), { concurrency: AT_ONCE });
  const writing = begun.filter((source) => source !== undefined);
  const deadline = draftsUntil(run, policy);
  const agentId = WORKLOAD_AGENTS.leadScoring;
  await sendLeadJobs(
    writing,
    (lead) => draftingJob({ tenantId, agentId, policy, day, lead, deadline }),
    ports,
  );
  return { kind: "sent", drafts: writing.length };
}

/** Where the lead is read from when its draft is still to be written; a run that died may have begun it. */
async function begin(
  { leadId, day, source, score }: ScoredLead,
  { tenantId }: RunStep,
  { objects, records }: ScorePorts,
): Promise<LeadSource | undefined> {
  const lead = parseStoredJson(leadSchema, await objects.getRange(source.key, source.offset, source.length));
  const to = { name: lead.name, email: lead.email, company: lead.company ?? null };
  const { draft } = await records.decide(DRAFT, leadKeys.draft(tenantId, day, leadId), (current) =>
    decideBegin(current, { version: 1, day, leadId, to, score }),
  );
  return draft?.state === "writing" ? source : undefined;
}
