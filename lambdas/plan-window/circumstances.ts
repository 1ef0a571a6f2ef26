import { chunks } from "../domain/chunks.ts";
import { customIdOf, type TenantId } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import type { IndexEntry } from "../domain/job-record.ts";
import type { Job } from "../domain/job-state.ts";
import type { PlanCircumstances, PlanSettings } from "../domain/planner.ts";
import type { Batches, JobMap, Tenants } from "../ports.ts";
import { readAccounts } from "./account-queues.ts";

/** Entries whose jobs are asked for at a time: only what is over is kept. */
const JOBS_AT_ONCE = 2000;

type CircumstancePorts = { readonly batches: Batches; readonly jobs: JobMap; readonly tenants: Tenants };

/** What the plan of some entries depends on besides them, as it is now. */
export async function circumstancesOf(
  entries: readonly IndexEntry[],
  ports: CircumstancePorts,
  settings: PlanSettings,
  now: Instant,
): Promise<Omit<PlanCircumstances, "unpriced">> {
  return {
    ...(await tenantsOf(entries, ports.tenants)),
    ...(await readAccounts(entries, ports.batches, settings, now)),
    heldAccounts: await heldAccounts(entries, ports.batches, now),
    over: await attemptsOver(entries, ports.jobs),
  };
}

async function tenantsOf(
  entries: readonly IndexEntry[],
  tenants: Tenants,
): Promise<Required<Pick<PlanCircumstances, "dedicated" | "weights">>> {
  const dedicated = new Set<TenantId>();
  const weights = new Map<TenantId, number>();
  for (const tenantId of new Set(entries.map((entry) => entry.tenantId))) {
    const tenant = await tenants.get(tenantId);
    if (tenant === undefined) continue;
    if (tenant.policy.isolation === "dedicated") dedicated.add(tenantId);
    weights.set(tenantId, tenant.policy.limits.weight);
  }
  return { dedicated, weights };
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
