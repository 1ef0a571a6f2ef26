import { beforeEach, expect, test } from "vitest";
import { MemoryTenants } from "../../lambdas/adapters/memory-tenants.ts";
import { MemoryWorkloadRecords } from "../../lambdas/adapters/memory-workload-records.ts";
import { tenantPolicySchema } from "../../lambdas/domain/tenant-policy.ts";
import { findLeadRuns } from "../../lambdas/find-lead-runs/find-lead-runs.ts";

const tenants = new MemoryTenants();
const get = tenants.get.bind(tenants);
let records: MemoryWorkloadRecords;

beforeEach(async () => {
  records = new MemoryWorkloadRecords();
  tenants.get = async (tenantId) =>
    tenantId === "broken" ? Promise.reject(new Error("unreadable")) : get(tenantId);
});

async function put(...names: string[]): Promise<void> {
  for (const tenantId of names) {
    const workloads = { leadScoring: { timeZone: "UTC", hour: 0 } };
    const policy = tenantPolicySchema.parse({ tenantId, workloads });
    await tenants.put({ version: 1, policy, salt: "s".repeat(40), revision: 1, updatedAt: 0 });
  }
}

const find = (holder: string) =>
  findLeadRuns({ holder, rerun: null }, { tenants, records, now: () => Date.UTC(2026, 10, 21, 12) });

test("a tenant whose policy cannot be read holds up no other, and is told of when there is nothing else to do", async () => {
  await put("acme", "broken", "globex");
  const found = await find("first");
  expect(found.map(({ tenantId }) => tenantId)).toEqual(["acme", "globex"]);
  await expect(find("second")).rejects.toThrow("unreadable");
});
