import { MemoryObjectStore } from "../../../lambdas/adapters/memory-object-store.ts";
import { MemoryOutbox } from "../../../lambdas/adapters/memory-outbox.ts";
import { MemoryTenantQueues } from "../../../lambdas/adapters/memory-tenant-queues.ts";
import { MemoryTenants } from "../../../lambdas/adapters/memory-tenants.ts";
import type { AnalysisJob } from "../../../lambdas/domain/post-call/analysis-job.ts";
import { jobIdOf, tenantIdSchema } from "../../../lambdas/domain/ids.ts";
import {
  resultEnvelopeSchema,
  type ResultMessage,
  resultMessageSchema,
} from "../../../lambdas/domain/result-message.ts";
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

/** The result of a job as the gateway would deliver it: the model's answer is `content`, as it is or as JSON. */
export function answeredBy(job: AnalysisJob, content: unknown, fields: object = {}): ResultMessage {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  const jobId = jobIdOf("salt", tenantIdSchema.parse(job.tenantId), job.idempotencyKey);
  return resultMessageSchema.parse({
    version: 1,
    jobId,
    messageId: null,
    tenantId: job.tenantId,
    idempotencyKey: job.idempotencyKey,
    taskType: job.taskType,
    vertical: job.vertical,
    agentId: job.agentId,
    status: "succeeded",
    late: false,
    response: { choices: [{ finish_reason: "stop", message: { role: "assistant", content: text } }] },
    error: null,
    provider: "openai",
    model: "gpt-5-nano",
    tier: "normal",
    lane: "batch",
    attempts: 1,
    usage: { inputTokens: 1, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 1, reasoningTokens: 0 },
    costMicroUsd: 1,
    syncCostMicroUsd: 2,
    costPicoUsd: "1000000",
    producedAt: "2026-11-22T00:00:00.000Z",
    effectiveUntil: null,
    result: null,
    metadata: job.metadata ?? {},
    ...fields,
  });
}
