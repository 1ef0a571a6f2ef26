import type { JobInput } from "../../client/submit-jobs.ts";
import { scoringJob } from "../domain/lead-scoring/lead-jobs.ts";
import { LEAD_ROW, leadKeys } from "../domain/lead-scoring/lead-records.ts";
import type { LeadSource } from "../domain/lead-scoring/lead-row.ts";
import { scoresUntil } from "../domain/lead-scoring/lead-run.ts";
import { WORKLOAD_AGENTS } from "../domain/workloads.ts";
import type { ObjectStore, Outbox } from "../ports.ts";
import { freezeLeads } from "./freeze-leads.ts";
import { endRun, holdRun, type RunPorts, type RunStep } from "./held-run.ts";
import { sendLeadJobs } from "./send-lead-jobs.ts";

export type ScorePorts = RunPorts & { readonly objects: ObjectStore; readonly jobs: Outbox<JobInput> };

/** `empty`: nothing to do, and the run is done. `lost`: the run is not this execution's any longer. */
export type ScoreAnswer = {
  readonly kind: "sent" | "empty" | "lost";
  readonly leads: number;
  readonly waiting: number;
  readonly refused: number;
};

/** Reads the day's leads and sends a scoring job for each that has no score yet. */
export async function scoreLeads(step: RunStep, ports: ScorePorts): Promise<ScoreAnswer> {
  const { tenantId, day } = step;
  if ((await holdRun(step, ports)) === undefined) return { kind: "lost", leads: 0, waiting: 0, refused: 0 };
  const frozen = await freezeLeads({ tenantId, day }, ports);
  const waiting: LeadSource[] = [];
  let leads = 0;
  for await (const row of ports.records.list(LEAD_ROW, leadKeys.leads(tenantId, day))) {
    leads += 1;
    if (row.state === "waiting") waiting.push(row.source);
  }
  const counts = { leads, waiting: waiting.length, refused: frozen.refused };
  const held = await holdRun(step, ports, { ...frozen, leads });
  if (held === undefined) return { kind: "lost", ...counts };
  if (leads === 0) {
    await endRun(step, ports);
    return { kind: "empty", ...counts };
  }
  const { policy, run } = held;
  const deadline = scoresUntil(run, policy);
  const agentId = WORKLOAD_AGENTS.leadScoring;
  await sendLeadJobs(
    waiting,
    (lead) => scoringJob({ tenantId, agentId, policy, day, lead, deadline }),
    ports,
  );
  return { kind: "sent", ...counts };
}
