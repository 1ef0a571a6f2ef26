import { z } from "zod";
import { type TenantId, tenantIdSchema } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import { LEAD_RUN, leadKeys } from "../domain/lead-scoring/lead-records.ts";
import { decideDone, decideHold, type LeadRun, type RunNews } from "../domain/lead-scoring/lead-run.ts";
import type { LeadScoringPolicy } from "../domain/lead-scoring/lead-scoring-policy.ts";
import type { Tenants } from "../ports.ts";
import type { WorkloadRecords } from "../workload-records.ts";

/** What every state of a run is told: whose day, and which execution works on it. */
export const runStepSchema = z.object({
  tenantId: tenantIdSchema,
  day: z.iso.date(),
  holder: z.string().min(1),
});
export type RunStep = z.infer<typeof runStepSchema>;

export type RunPorts = {
  readonly tenants: Tenants;
  readonly records: WorkloadRecords;
  readonly now: () => Instant;
};

export type HeldRun = { readonly run: LeadRun; readonly policy: LeadScoringPolicy };

/**
 * The run as its holder has it, and the tenant's policy; undefined when the run is another execution's by now, or the
 * workload was switched off. Every step says so that its execution lives.
 */
export async function holdRun(
  step: RunStep,
  ports: RunPorts,
  news: RunNews = {},
): Promise<HeldRun | undefined> {
  const policy = await policyOf(step.tenantId, ports.tenants);
  if (policy === undefined) return undefined;
  const run = await ports.records.decide(LEAD_RUN, leadKeys.run(step.tenantId, step.day), (current) =>
    decideHold(current, step.holder, ports.now(), news),
  );
  return run === "lost" ? undefined : { run, policy };
}

export async function endRun({ tenantId, day, holder }: RunStep, ports: RunPorts): Promise<void> {
  await ports.records.decide(LEAD_RUN, leadKeys.run(tenantId, day), (current) =>
    decideDone(current, holder, ports.now()),
  );
}

async function policyOf(tenantId: TenantId, tenants: Tenants): Promise<LeadScoringPolicy | undefined> {
  return (await tenants.get(tenantId))?.policy.workloads.leadScoring;
}
