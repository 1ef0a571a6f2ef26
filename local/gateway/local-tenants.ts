import { readFile } from "node:fs/promises";
import { z } from "zod";
import { tenantsFileSchema, type TenantPolicy } from "../../lambdas/domain/tenant-policy.ts";
import { type Workload, WORKLOADS } from "../../lambdas/domain/workloads.ts";
import { WORKLOAD_NAMES } from "./workload-names.ts";

/** What the tenant that is there without a tenants file says of each workload that the stage has. */
const TRIAL_POLICIES: Readonly<Record<Workload, object>> = {
  postCall: {},
  // A sender, since drafts without one cannot be sent.
  leadScoring: { sender: { name: "Acme", email: "hello@acme.example" } },
  reIndex: {},
};

/** The tenants of a file; without one there is one tenant, to try things with, which has all workloads of the stage. */
export async function readTenants(
  file: string | undefined,
  workloads: readonly Workload[],
): Promise<TenantPolicy[]> {
  if (file === undefined) {
    const policies = Object.fromEntries(workloads.map((workload) => [workload, TRIAL_POLICIES[workload]]));
    return tenantsFileSchema.parse([{ tenantId: "acme", workloads: policies }]);
  }
  const text = await readFile(file, "utf8");
  try {
    return tenantsFileSchema.parse(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new Error(`${file} is not a tenants file:\n${reason}`, { cause: error });
  }
}

/** Where the stage and its tenants disagree, in words: a workload does something only where both have it. */
export function workloadGaps(workloads: readonly Workload[], tenants: readonly TenantPolicy[]): string[] {
  return WORKLOADS.flatMap((workload) => {
    const name = WORKLOAD_NAMES[workload];
    const having = tenants.filter((tenant) => tenant.workloads[workload] !== undefined);
    if (workloads.includes(workload)) {
      return having.length > 0
        ? []
        : [
            `No tenant has ${name}: set workloads.${workload} in the tenants file, see docs/workloads/${name}.md.`,
          ];
    }
    const ids = having.map(({ tenantId }) => tenantId).join(", ");
    return having.length > 0
      ? [`${name} is off, though policies have it (${ids}): add ${name} to --workloads.`]
      : [];
  });
}
