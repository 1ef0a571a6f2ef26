import { attemptParts } from "../domain/failed-parts.ts";
import { dueDays, lastDueDay } from "../domain/lead-scoring/due-days.ts";
import { decideClaim } from "../domain/lead-scoring/lead-run.ts";
import { decideStart, LEAD_RUN, LEAD_START, leadKeys } from "../domain/lead-scoring/lead-records.ts";
import type { LeadScoringPolicy } from "../domain/lead-scoring/lead-scoring-policy.ts";
import type { Day } from "../domain/lead-scoring/local-time.ts";
import type { TenantId } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import type { Tenants } from "../ports.ts";
import type { WorkloadRecords } from "../workload-records.ts";

export type FindPorts = {
  readonly tenants: Tenants;
  readonly records: WorkloadRecords;
  readonly now: () => Instant;
};

/** The day of one tenant that one execution works on. */
export type FoundRun = { readonly tenantId: TenantId; readonly day: Day };

/** Runs that one execution takes; what is left over the next one finds. They all wait at the same time. */
const RUNS_PER_EXECUTION = 40;

export type FindRequest = {
  /** The execution that asks; asked again, it gets the same runs. */
  readonly holder: string;
  /** A day to be run whether it is due or done: what is done in it already is not done again. */
  readonly rerun: FoundRun | null;
};

/**
 * Claims the days that are due by their tenants' own clocks, missed ones too. At most RUNS_PER_EXECUTION. A tenant whose days
 * cannot be found holds up no other: that is thrown only where there is nothing else to do, as there is at most looks.
 */
export async function findLeadRuns({ holder, rerun }: FindRequest, ports: FindPorts): Promise<FoundRun[]> {
  if (rerun !== null) return (await isRerun(rerun, holder, ports)) ? [rerun] : [];
  const found: FoundRun[] = [];
  const failures: unknown[] = [];
  const attempt = attemptParts(failures);
  for await (const tenantId of ports.tenants.withWorkload("leadScoring")) {
    if (found.length === RUNS_PER_EXECUTION) break;
    await attempt(undefined, async () => {
      const policy = (await ports.tenants.get(tenantId))?.policy.workloads.leadScoring;
      for (const day of policy ? await daysOf(tenantId, policy, ports) : []) {
        if (found.length === RUNS_PER_EXECUTION) return;
        const run = { tenantId, day };
        if (await claim(run, holder, ports, false)) found.push(run);
      }
    });
  }
  if (found.length === 0 && failures.length > 0) throw failures[0];
  return found;
}

/** Without the workload nobody would ever end the run, and nothing is claimed. */
async function isRerun(run: FoundRun, holder: string, ports: FindPorts): Promise<boolean> {
  const tenant = await ports.tenants.get(run.tenantId);
  return tenant?.policy.workloads.leadScoring !== undefined && claim(run, holder, ports, true);
}

/** A tenant's first look says since when it has the workload: leads that are older stay as they are. */
async function daysOf(tenantId: TenantId, policy: LeadScoringPolicy, ports: FindPorts): Promise<Day[]> {
  const now = ports.now();
  const since = await ports.records.decide(LEAD_START, leadKeys.start(tenantId), (start) =>
    decideStart(start, lastDueDay(now, policy)),
  );
  return dueDays(now, policy, since);
}

async function claim(run: FoundRun, holder: string, ports: FindPorts, again: boolean): Promise<boolean> {
  const { tenantId, day } = run;
  const outcome = await ports.records.decide(LEAD_RUN, leadKeys.run(tenantId, day), (current) =>
    decideClaim(current, { day, holder, now: ports.now(), again }),
  );
  return outcome === "claimed";
}
