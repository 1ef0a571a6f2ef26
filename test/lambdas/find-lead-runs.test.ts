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
  await put("acme", "broken", "globex");
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
  const found = await find("first");
  expect(found.map(({ tenantId }) => tenantId)).toEqual(["acme", "globex"]);
  await expect(find("second")).rejects.toThrow("unreadable");
});

test("a day of a tenant without the workload is not claimed, whoever asks for it", async () => {
  const [acme] = await find("first");
  const rerun = { tenantId: acme!.tenantId, day: "2026-11-19" };
  const ports = { tenants, records, now: () => Date.UTC(2026, 10, 21, 12) };
  expect(await findLeadRuns({ holder: "second", rerun }, ports)).toEqual([rerun]);
  tenants.get = async () => undefined;
  expect(await findLeadRuns({ holder: "third", rerun: { ...rerun, day: "2026-11-18" } }, ports)).toEqual([]);
});
