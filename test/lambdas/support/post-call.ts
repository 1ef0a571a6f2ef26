import { MemoryObjectStore } from "../../../lambdas/adapters/memory-object-store.ts";
import { MemoryOutbox } from "../../../lambdas/adapters/memory-outbox.ts";
import { MemoryTenantQueues } from "../../../lambdas/adapters/memory-tenant-queues.ts";
import { MemoryTenants } from "../../../lambdas/adapters/memory-tenants.ts";
import type { AnalysisJob } from "../../../lambdas/domain/post-call/analysis-job.ts";
import { resultEnvelopeSchema, type ResultMessage } from "../../../lambdas/domain/result-message.ts";
import { type TenantPolicy, tenantPolicySchema } from "../../../lambdas/domain/tenant-policy.ts";
import type { InvalidAnalysis } from "../../../lambdas/take-analyses/take-analyses.ts";

const queueUrlOf = (tenantId: string) => `https://sqs.test/${tenantId}`;

/** The ports of both functions on memory adapters. */
export class PostCallBench {
  readonly objects = new MemoryObjectStore({ chunkBytes: 101 });
  readonly tenants = new MemoryTenants();
  readonly queues = new MemoryTenantQueues();
  readonly jobs = new MemoryOutbox<AnalysisJob>();
  readonly deadLetters = new MemoryOutbox<InvalidAnalysis>();

  async addTenant(tenantId: string, fields: Partial<Omit<TenantPolicy, "tenantId">> = {}): Promise<void> {
    const delivery = { type: "sqs", queueUrl: queueUrlOf(tenantId) };
    const policy = tenantPolicySchema.parse({ ...fields, tenantId, delivery });
    await this.tenants.put({ version: 1, policy, salt: "s".repeat(40), revision: 1, updatedAt: 0 });
  }

  /** Takes a tenant's results off its queue. */
  results(tenantId: string): ResultMessage[] {
    return this.queues.take(queueUrlOf(tenantId)).flatMap((body) => {
      const envelope = resultEnvelopeSchema.parse(JSON.parse(body));
      return "results" in envelope ? envelope.results : [envelope];
    });
  }
}

/** A call as it would be dropped. */
export function call(id: string | undefined, ...texts: readonly string[]) {
  const turns = texts.map((text, number) => ({ speaker: number % 2 === 0 ? "customer" : "agent", text }));
  return { call_id: id, vertical: "salon", service: "Salon_1", turns };
}
