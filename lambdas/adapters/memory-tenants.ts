import type { TenantId } from "../domain/ids.ts";
import type { Tenant } from "../domain/tenant-policy.ts";
import type { Workload } from "../domain/workloads.ts";
import type { Tenants } from "../ports.ts";
import { isStored, nextRevision } from "./tenant-revisions.ts";
import { frozenCopy } from "./frozen-copy.ts";

export class MemoryTenants implements Tenants {
  /** Every revision of each tenant, in order. */
  readonly #revisions = new Map<TenantId, readonly Tenant[]>();

  async get(tenantId: TenantId): Promise<Tenant | undefined> {
    return this.#revisions.get(tenantId)?.at(-1);
  }

  async put(tenant: Tenant): Promise<void> {
    const { tenantId } = tenant.policy;
    const before = this.#revisions.get(tenantId) ?? [];
    if (isStored(before.at(-1), tenant)) return;
    this.#revisions.set(tenantId, [...before, frozenCopy(nextRevision(before.at(-1), tenant))]);
  }

  async *list(): AsyncGenerator<Tenant> {
    for (const revisions of this.#revisions.values()) {
      const current = revisions.at(-1);
      if (current) yield current;
    }
  }

  async *withWorkload(workload: Workload): AsyncGenerator<TenantId> {
    for (const [tenantId, revisions] of this.#revisions)
      if (revisions.some(({ policy }) => policy.workloads[workload] !== undefined)) yield tenantId;
  }
}
