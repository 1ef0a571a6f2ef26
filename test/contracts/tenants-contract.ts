import { beforeEach, describe, expect, it } from "vitest";
import type { TenantId } from "../../lambdas/domain/ids.ts";
import { tenantPolicySchema } from "../../lambdas/domain/tenant-policy.ts";
import type { Tenants } from "../../lambdas/ports.ts";
import { gather, race } from "./gather.ts";
import { ACME, aTenant, NOON } from "./sample-records.ts";

/** What every store of tenants must do. `make` gives an empty one. */
export function describeTenants(name: string, make: () => Promise<Tenants>): void {
  describe(`tenants: ${name}`, () => {
    let tenants: Tenants;
    beforeEach(async () => {
      tenants = await make();
    });

    it("gives a tenant as it was put, and none for another id", async () => {
      await tenants.put(aTenant("acme"));
      expect(await tenants.get(ACME)).toEqual(aTenant("acme"));
      expect(await tenants.get("acme-2" as TenantId)).toBeUndefined();
    });

    it("counts revisions itself and keeps the first salt", async () => {
      await tenants.put(aTenant("acme"));
      const policy = tenantPolicySchema.parse({ tenantId: "acme", isolation: "dedicated" });
      const salt = "another salt, just as long as the first one was";
      await tenants.put(aTenant("acme", { policy, salt, revision: 7, updatedAt: NOON + 1 }));
      expect(await tenants.get(ACME)).toEqual(aTenant("acme", { policy, revision: 2, updatedAt: NOON + 1 }));
    });

    it("makes no further revision of the same put", async () => {
      await race(5, () => tenants.put(aTenant("acme")));
      expect(await tenants.get(ACME)).toEqual(aTenant("acme"));
    });

    it("gives each of several puts that race a revision of its own", async () => {
      await race(5, (number) => tenants.put(aTenant("acme", { updatedAt: NOON + number })));
      expect(await tenants.get(ACME)).toMatchObject({ revision: 5 });
    });

    it("lists each tenant once, as it is now", async () => {
      await tenants.put(aTenant("acme"));
      await tenants.put(aTenant("globex"));
      await tenants.put(aTenant("acme", { updatedAt: NOON + 1 }));
      const listed = await gather(tenants.list());
      expect(listed).toHaveLength(2);
      expect(Object.fromEntries(listed.map(({ policy, revision }) => [policy.tenantId, revision]))).toEqual({
        acme: 2,
        globex: 1,
      });
    });

    it("finds those that have or had a workload, once each", async () => {
      const withLeads = (tenantId: string) =>
        tenantPolicySchema.parse({ tenantId, workloads: { leadScoring: {} } });
      await tenants.put(aTenant("acme", { policy: withLeads("acme") }));
      await tenants.put(aTenant("globex"));
      await tenants.put(aTenant("initech", { policy: withLeads("initech") }));
      await tenants.put(aTenant("initech", { updatedAt: NOON + 1 }));
      expect((await gather(tenants.withWorkload("leadScoring"))).toSorted()).toEqual(["acme", "initech"]);
      expect(await gather(tenants.withWorkload("postCall"))).toEqual([]);
    });

    it("is not changed through what it was given or gave", async () => {
      const tenant = aTenant("acme");
      await tenants.put(tenant);
      tenant.policy.batchAllowed.push("voice_agent_reply");
      // What is given may be frozen, which is as good.
      Reflect.set((await tenants.get(ACME))?.policy.senders ?? [], 0, "anybody");
      expect(await tenants.get(ACME)).toEqual(aTenant("acme"));
    });
  });
}
