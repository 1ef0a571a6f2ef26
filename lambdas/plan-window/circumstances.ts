import { chunks } from "../domain/chunks.ts";
import { customIdOf, type TenantId } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import type { IndexEntry } from "../domain/job-record.ts";
import type { Job } from "../domain/job-state.ts";
import type { PlanCircumstances } from "../domain/planner.ts";
import type { Batches, JobMap, Tenants } from "../ports.ts";

/** Entries whose jobs are asked for at a time: only what is over is kept. */
const JOBS_AT_ONCE = 2000;

type CircumstancePorts = { readonly batches: Batches; readonly jobs: JobMap; readonly tenants: Tenants };

/** What the plan of some entries depends on besides them, as it is now. */
export async function circumstancesOf(
  entries: readonly IndexEntry[],
  ports: CircumstancePorts,
  now: Instant,
): Promise<Omit<PlanCircumstances, "unpriced">> {
  return {
    dedicated: await dedicatedTenants(entries, ports.tenants),
    heldAccounts: await heldAccounts(entries, ports.batches, now),
    over: await attemptsOver(entries, ports.jobs),
  };
}

async function dedicatedTenants(entries: readonly IndexEntry[], tenants: Tenants): Promise<Set<TenantId>> {
  const dedicated = new Set<TenantId>();
  for (const tenantId of new Set(entries.map((entry) => entry.tenantId))) {
    const tenant = await tenants.get(tenantId);
    if (tenant?.policy.isolation === "dedicated") dedicated.add(tenantId);
  }
  return dedicated;
}

async function heldAccounts(
  entries: readonly IndexEntry[],
  batches: Batches,
  now: Instant,
): Promise<Set<string>> {
  const held = new Set<string>();
  for (const account of new Set(entries.map(({ group }) => group.account))) {
    const hold = await batches.holdOf(account);
    if (hold !== undefined && hold.until > now) held.add(account);
  }
  return held;
}

/** The attempts that nobody needs any more, by custom id. */
async function attemptsOver(entries: readonly IndexEntry[], jobs: JobMap): Promise<Set<string>> {
  const over = new Set<string>();
  for (const some of chunks(entries, JOBS_AT_ONCE)) {
    const found = await jobs.getMany(some.map(({ tenantId, jobId }) => ({ tenantId, jobId })));
    for (const [number, entry] of some.entries()) {
      const job = found[number];
      if (job !== undefined && isOver(job, entry.attempt)) over.add(customIdOf(entry.jobId, entry.attempt));
    }
  }
  return over;
}

/** A reading may be a moment old: that a job has not come as far as its entry says nothing. */
function isOver(job: Job, attempt: number): boolean {
  if (job.attempt !== attempt) return job.attempt > attempt;
  return job.state !== "queued";
}
