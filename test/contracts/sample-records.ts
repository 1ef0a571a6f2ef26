import type { BatchOutcome, PlannedBatch } from "../../lambdas/domain/batch-record.ts";
import { type JobId, jobIdOf, type SegmentId, type TenantId } from "../../lambdas/domain/ids.ts";
import type { Claim, DirectLease, JobEnd, RequeueMove } from "../../lambdas/domain/job-state.ts";
import type { LedgerEntry } from "../../lambdas/domain/ledger-entry.ts";
import { type Tenant, tenantPolicySchema } from "../../lambdas/domain/tenant-policy.ts";
import { batchIdOf } from "../../lambdas/domain/ids.ts";
import type { WindowId } from "../../lambdas/domain/ids.ts";

export const ACME = "acme" as TenantId;
export const NOON = Date.parse("2026-11-21T12:00:00Z");

export function jobIdFor(key: string): JobId {
  return jobIdOf("a salt of at least thirty-two characters", ACME, key);
}

export function sourceAt(line: number) {
  return { key: "segments/lines/s-1.jsonl", line, offset: line * 100, length: 100 };
}

export function aClaim(fields: Partial<Claim> = {}): Claim {
  return {
    tenantId: ACME,
    jobId: jobIdFor("one"),
    requestHash: "hash",
    messageId: null,
    source: sourceAt(0),
    lane: "batch",
    laneReason: "tier",
    retry: false,
    receivedAt: NOON - 1_000,
    ...fields,
  };
}

export function aLease(fields: Partial<DirectLease> = {}): DirectLease {
  return {
    ...aClaim({ messageId: "m-1", source: null, lane: "sync" }),
    attempt: null,
    owner: "worker-1",
    now: NOON,
    leaseUntil: NOON + 60_000,
    ...fields,
  };
}

export function anEnd(fields: Partial<JobEnd> = {}): JobEnd {
  return {
    tenantId: ACME,
    jobId: jobIdFor("one"),
    attempt: 1,
    endedBy: "settle-1",
    status: "succeeded",
    result: { key: "results/tenant=acme/x.jsonl", offset: 0, length: 10 },
    costPicoUsd: "48300000",
    producedAt: NOON,
    effectiveUntil: null,
    endedAt: NOON + 1,
    ...fields,
  };
}

export function aMove(fields: Partial<RequeueMove> = {}): RequeueMove {
  return {
    tenantId: ACME,
    jobId: jobIdFor("one"),
    attempt: 1,
    by: "settle-1",
    at: NOON,
    code: "server_error",
    counts: true,
    ...fields,
  };
}

export const OUTCOME: BatchOutcome = { answered: 1, failed: 1, surplus: 0 };

const price = {
  provider: "openai",
  model: "gpt-5-nano",
  from: "2026-01-01",
  input: "0.025",
  cachedInput: null,
  cacheWrite5m: null,
  cacheWrite1h: null,
  output: "0.2",
  source: "test",
} as const;

export function aPlan(
  number: number,
  account = "openai-main",
  fields: Partial<PlannedBatch> = {},
): PlannedBatch {
  const windowId = "20261121T120000Z" as WindowId;
  const batchId = batchIdOf(windowId, account, number);
  return {
    version: 1,
    batchId,
    windowId,
    group: {
      provider: "openai",
      account,
      endpoint: "/v1/responses",
      model: "gpt-5-nano",
      isolation: "shared",
    },
    requests: 2,
    tenants: 1,
    inputBytes: 200,
    inputs: 0,
    tokens: 50,
    earliestDue: NOON,
    plannedAt: NOON,
    prices: { batch: { ...price, lane: "batch" }, sync: { ...price, lane: "sync" } },
    linesKey: `windows/${windowId}/plan-1/${batchId}.jsonl`,
    orphanOf: null,
    ...fields,
  };
}

export function anEntry(entryId: string, fields: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    version: 1,
    tenantId: ACME,
    entryId,
    kind: "batch",
    date: entryId.slice(0, 10),
    vertical: "healthcare",
    agentId: "front-desk",
    taskType: "post_call_summary",
    provider: "openai",
    model: "gpt-5-nano",
    lane: "batch",
    batchId: "b-1",
    providerBatchId: "batch_1",
    jobs: 1,
    answers: 1,
    usage: {
      inputTokens: 812,
      cachedInputTokens: 0,
      cacheWrite5mTokens: 0,
      cacheWrite1hTokens: 0,
      outputTokens: 140,
      reasoningTokens: 0,
    },
    costPicoUsd: "48300000",
    syncCostPicoUsd: "96600000",
    ...fields,
  };
}

export function aTenant(tenantId: string, fields: Partial<Tenant> = {}): Tenant {
  return {
    version: 1,
    policy: tenantPolicySchema.parse({ tenantId }),
    salt: `the salt of ${tenantId}, long enough for the schema`,
    revision: 1,
    updatedAt: NOON,
    ...fields,
  };
}

export function segmentIds(count: number): SegmentId[] {
  return Array.from({ length: count }, (_, index) => `segment-${index}` as SegmentId);
}
