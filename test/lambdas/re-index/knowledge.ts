import { KnowledgeIndex } from "../../../client/search-index.ts";
import { MemoryObjectStore } from "../../../lambdas/adapters/memory-object-store.ts";
import { MemoryTenants } from "../../../lambdas/adapters/memory-tenants.ts";
import { MemoryVectorCache } from "../../../lambdas/adapters/memory-vector-cache.ts";
import { MemoryWorkloadRecords } from "../../../lambdas/adapters/memory-workload-records.ts";
import { MemoryOutbox } from "../../../lambdas/adapters/memory-outbox.ts";
import { checkKnowledge } from "../../../lambdas/check-knowledge/check-knowledge.ts";
import { tenantIdSchema } from "../../../lambdas/domain/ids.ts";
import { knowledgePrefix } from "../../../lambdas/domain/object-keys.ts";
import { reIndexPolicySchema } from "../../../lambdas/domain/re-index/re-index-policy.ts";
import type { ResultMessage } from "../../../lambdas/domain/result-message.ts";
import { tenantPolicySchema } from "../../../lambdas/domain/tenant-policy.ts";
import type { ReIndexPorts } from "../../../lambdas/re-index/re-index-ports.ts";
import type { CheckMessage } from "../../../lambdas/take-documents/changes.ts";
import type { EmbeddingJob } from "../../../lambdas/take-documents/take-document.ts";
import { takeDocuments } from "../../../lambdas/take-documents/take-documents.ts";
import { takeEmbeddings } from "../../../lambdas/take-embeddings/take-embeddings.ts";
import type { VectorIndex } from "../../../lambdas/vector-index.ts";
import { memoryS3 } from "./memory-s3.ts";

export const ACME = tenantIdSchema.parse("acme");
const DIMENSIONS = 16;

/** A vector of its text alone: equal texts are the same, others are far apart. */
export function vectorOf(text: string): number[] {
  let state = Buffer.from(text).reduce((sum, byte) => (Math.imul(sum, 31) + byte) | 0, 7);
  return Array.from({ length: DIMENSIONS }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return Math.fround(state / 2 ** 31);
  });
}

/** A tenant's knowledge base on memory adapters: each step is a call, and jobs are answered when a test says so. */
export class Knowledge {
  now = Date.UTC(2026, 10, 21, 12);
  readonly runtime = { now: () => this.now, uniqueId: () => "id", sleep: async () => undefined };
  readonly objects = new MemoryObjectStore({ now: () => this.now });
  readonly tenants = new MemoryTenants();
  readonly records = new MemoryWorkloadRecords();
  readonly vectors = new MemoryVectorCache();
  readonly changes = new MemoryOutbox<CheckMessage>();
  /** The stage's, from when it has one. */
  vectorIndex: VectorIndex | undefined;
  readonly index = new KnowledgeIndex({ s3: memoryS3(this.objects), bucket: "memory", tenantId: ACME });
  /** Jobs that wait for their answers, by idempotency key: one that is sent again is the same. */
  readonly #waiting = new Map<string, EmbeddingJob>();
  readonly #known = new Set<string>();
  /** Texts that the provider was given, in order. */
  readonly embedded: string[] = [];
  readonly jobs = {
    send: async (jobs: readonly EmbeddingJob[]): Promise<void> => {
      for (const job of jobs) {
        if (this.#known.has(job.idempotencyKey)) continue;
        this.#known.add(job.idempotencyKey);
        this.#waiting.set(job.idempotencyKey, job);
      }
    },
  };

  /** What the functions share. */
  ports(): ReIndexPorts {
    const { objects, tenants, records, vectors, vectorIndex, runtime } = this;
    return { objects, tenants, records, vectors, vectorIndex, runtime };
  }

  get inVectors(): boolean {
    return this.vectorIndex !== undefined;
  }

  async policy(fields: object = {}, name: string = ACME): Promise<void> {
    const reIndex = reIndexPolicySchema.parse(fields);
    const policy = tenantPolicySchema.parse({ tenantId: name, workloads: { reIndex } });
    const before = await this.tenants.get(policy.tenantId);
    const revision = (before?.revision ?? 0) + 1;
    await this.tenants.put({ version: 1, policy, salt: "s".repeat(40), revision, updatedAt: 0 });
  }

  async put(source: string, body: string | Uint8Array): Promise<void> {
    this.now += 10_000;
    await this.objects.put(`${knowledgePrefix(ACME)}${source}`, body);
  }

  async remove(source: string): Promise<void> {
    this.now += 10_000;
    await this.objects.delete([`${knowledgePrefix(ACME)}${source}`]);
  }

  /** S3's word that something became of these. */
  async tell(...sources: readonly string[]) {
    this.now += 10_000;
    const messages = sources.map((source) => {
      const key = encodeURIComponent(`${knowledgePrefix(ACME)}${source}`).replaceAll("%20", "+");
      return { messageId: source, body: JSON.stringify({ Records: [{ s3: { object: { key } } }] }) };
    });
    return takeDocuments(messages, this);
  }

  async store(source: string, body: string | Uint8Array) {
    await this.put(source, body);
    return this.tell(source);
  }

  /** The quarter-hourly look, and what it asks for. */
  async check(): Promise<number> {
    const { checked } = await checkKnowledge(this);
    const messages = this.changes.take().map((body) => ({ messageId: "c", body: JSON.stringify(body) }));
    await takeDocuments(messages, this);
    return checked;
  }

  /** The results of all jobs that wait. */
  results(change: (result: ResultMessage) => ResultMessage = (result) => result): ResultMessage[] {
    const jobs = [...this.#waiting.values()];
    this.#waiting.clear();
    return jobs.map((job) => {
      const { input } = job.request.body;
      this.embedded.push(...input);
      const data = input.map((text, index) => ({
        object: "embedding",
        index,
        embedding: Buffer.from(
          Float32Array.from(vectorOf(`${job.request.body.model} ${text}`)).buffer,
        ).toString("base64"),
      }));
      return change(this.#resultOf(job, { data }));
    });
  }

  /** Delivers results, one message each. */
  async deliver(results: readonly ResultMessage[]) {
    const messages = results.map((result, n) => ({ messageId: `r${n}`, body: JSON.stringify(result) }));
    return takeEmbeddings(messages, this);
  }

  /** Answers everything that waits. */
  async answer() {
    return this.deliver(this.results());
  }

  /** The texts of the index by source, as a query for each document would see them. */
  async texts(): Promise<Record<string, string[]>> {
    const found = await this.index.search({ vector: vectorOf("any"), limit: 1_000_000 });
    const bySource = Map.groupBy(found?.hits ?? [], ({ source }) => source);
    return Object.fromEntries(
      [...bySource].map(([source, hits]) => [source, hits.map(({ text }) => text).toSorted()]),
    );
  }

  #resultOf(job: EmbeddingJob, response: unknown): ResultMessage {
    const { tenantId, idempotencyKey, taskType, vertical, agentId, tier, metadata, freshness } = job;
    const nothing = {
      inputTokens: 0,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      outputTokens: 0,
      reasoningTokens: 0,
    };
    return {
      version: 1,
      jobId: "a".repeat(26) as ResultMessage["jobId"],
      messageId: null,
      tenantId,
      idempotencyKey,
      taskType,
      vertical,
      agentId,
      status: "succeeded",
      late: false,
      response,
      error: null,
      provider: "openai",
      model: `${job.request.body.model}-snapshot`,
      tier,
      lane: "batch",
      attempts: 1,
      usage: nothing,
      costMicroUsd: 0,
      syncCostMicroUsd: 0,
      costPicoUsd: "0",
      producedAt: new Date(this.now).toISOString(),
      effectiveUntil: new Date(this.now + freshness.effectiveForSeconds * 1000).toISOString(),
      result: null,
      metadata,
    };
  }
}
