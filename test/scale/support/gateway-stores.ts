import { MemoryBatches } from "../../../lambdas/adapters/memory-batches.ts";
import { MemoryDeadLetterQueues } from "../../../lambdas/adapters/memory-dead-letter-queues.ts";
import { MemoryJobMap } from "../../../lambdas/adapters/memory-job-map.ts";
import { MemoryLedger } from "../../../lambdas/adapters/memory-ledger.ts";
import { MemoryOutbox } from "../../../lambdas/adapters/memory-outbox.ts";
import { MemoryTenants } from "../../../lambdas/adapters/memory-tenants.ts";
import { MemoryWindows } from "../../../lambdas/adapters/memory-windows.ts";
import { type JobId, jobIdOf, type TenantId } from "../../../lambdas/domain/ids.ts";
import type { Delivery, RunRequest } from "../../../lambdas/domain/internal-messages.ts";
import { tenantPolicySchema } from "../../../lambdas/domain/tenant-policy.ts";
import { DeliveredResults, queueUrlOf } from "./delivered-results.ts";
import type { SampleJob } from "./sample-jobs.ts";

/** The tables and queues of a gateway whose use cases run in another thread; property names are the ports' names. */
export function gatewayStores() {
  return {
    jobs: new MemoryJobMap(),
    ledger: new MemoryLedger(),
    tenants: new MemoryTenants(),
    windows: new MemoryWindows(),
    batches: new MemoryBatches(),
    deliveries: new MemoryOutbox<Delivery>(),
    runs: new MemoryOutbox<RunRequest>(),
    deadLetters: new MemoryDeadLetterQueues(),
    queues: new DeliveredResults(),
  };
}
export type GatewayStores = ReturnType<typeof gatewayStores>;

export async function addTenants(tenantIds: Iterable<string>, { tenants }: GatewayStores): Promise<void> {
  for (const tenantId of tenantIds) {
    const policy = tenantPolicySchema.parse({
      tenantId,
      delivery: { type: "sqs", queueUrl: queueUrlOf(tenantId) },
    });
    await tenants.put({ version: 1, policy, salt: saltOf(tenantId), revision: 1, updatedAt: 0 });
  }
}

function saltOf(tenantId: string): string {
  return `${tenantId}-`.padEnd(40, "s");
}

/** The id that admission must have given to a sample job. */
export function idOfJob({ tenantId, idempotencyKey }: SampleJob): { tenantId: TenantId; jobId: JobId } {
  const tenant = tenantId as TenantId;
  return { tenantId: tenant, jobId: jobIdOf(saltOf(tenantId), tenant, idempotencyKey) };
}
