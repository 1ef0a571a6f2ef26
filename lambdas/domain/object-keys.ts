import type { BatchId, JobId, SegmentId, TenantId, WindowId } from "./ids.ts";
import type { Instant } from "./instant.ts";

/** Every key of the gateway bucket, in one place. Prefixes end in a slash: IAM and listings match on them. */
export const PREFIXES = {
  uploads: "uploads/",
  inbox: "inbox/",
  knowledge: "kb/",
  workloads: "workloads/",
  segments: "segments/",
  openSegments: "segments/open/",
  windows: "windows/",
  batches: "batches/",
  escalations: "batches/late/",
  results: "results/",
  deadLetters: "dead-letters/",
} as const;

/** What lead scoring keeps of all tenants. */
export const LEAD_SCORING_PREFIX = `${PREFIXES.workloads}lead-scoring/`;

/** What a tenant may name in `request.s3Key`: its own uploads and nothing else. */
export function uploadPrefix(tenantId: TenantId): string {
  return `${PREFIXES.uploads}tenant=${tenantId}/`;
}

/** Where a tenant drops what a workload is to look at. */
export function inboxPrefix(tenantId: TenantId | "*"): string {
  return `${PREFIXES.inbox}tenant=${tenantId}/`;
}

/** The part of an inbox that is lead scoring's: what lies there is nothing else. */
export function allLeadsPrefix(tenantId: TenantId | "*"): string {
  return `${inboxPrefix(tenantId)}leads/`;
}

/** Where a tenant drops the leads of one of its own days: any number of JSON or JSONL files. */
export function leadsPrefix(tenantId: TenantId | "*", day: string): string {
  return `${allLeadsPrefix(tenantId)}${day}/`;
}

/** What lead scoring keeps of one day of a tenant. */
export function leadDayPrefix(tenantId: TenantId | "*", day: string): string {
  return `${workloadPrefix("lead-scoring", tenantId)}${day}/`;
}

/** Where a tenant keeps the documents of its knowledge base. */
export function knowledgePrefix(tenantId: TenantId): string {
  return `${PREFIXES.knowledge}tenant=${tenantId}/`;
}

/** What a workload keeps of a tenant; `workload` in kebab case. */
export function workloadPrefix(workload: string, tenantId: TenantId | "*"): string {
  return `${PREFIXES.workloads}${workload}/tenant=${tenantId}/`;
}

/** The admitted jobs, one JSON line each; written once, never changed. */
export function segmentKey(id: SegmentId): string {
  return `${PREFIXES.segments}lines/${id}.jsonl`;
}

/** Which lines of a segment won their claim, written after the claims. */
export function segmentIndexKey(id: SegmentId): string {
  return `${PREFIXES.segments}index/${id}.jsonl`;
}

/** The marker of a segment that no window took: written before the first claim, so that an unfinished one is found. */
export function openSegmentKey(id: SegmentId): string {
  return `${PREFIXES.openSegments}${id}`;
}

export function segmentIdOfMarker(key: string): SegmentId {
  return key.slice(PREFIXES.openSegments.length) as SegmentId;
}

/** A frozen list or a plan, named by its content: the conditional write in the batches table picks one. */
export function windowObjectKey(id: WindowId, name: string, hash: string): string {
  return `${PREFIXES.windows}${id}/${name}-${hash}.json`;
}

/** The planned lines of one batch, under the plan that planned them. */
export function plannedLinesKey(id: WindowId, planHash: string, batchId: BatchId): string {
  return `${PREFIXES.windows}${id}/plan-${planHash}/${batchId}.jsonl`;
}

/** The entries that a plan ends because nobody could run them. */
export function expiredEntriesKey(id: WindowId, planHash: string): string {
  return `${PREFIXES.windows}${id}/plan-${planHash}/expired.jsonl`;
}

/** The entries that a plan has run in a direct lane, each with its lane. */
export function directEntriesKey(id: WindowId, planHash: string): string {
  return `${PREFIXES.windows}${id}/plan-${planHash}/direct.jsonl`;
}

export function batchInputKey(id: BatchId): string {
  return `${PREFIXES.batches}${id}/input.jsonl`;
}

export function batchManifestKey(id: BatchId): string {
  return `${PREFIXES.batches}${id}/manifest.jsonl`;
}

/** The provider's lines as they came; `fence` keeps a late collector from writing over the plan's own copy. */
export function collectedKey(
  id: BatchId,
  generation: number,
  fence: number,
  file: "output" | "errors",
): string {
  return `${PREFIXES.batches}${id}/g${generation}/collected-${fence}/${file}.jsonl`;
}

export function settlementKey(id: BatchId, generation: number, hash: string): string {
  return `${PREFIXES.batches}${id}/g${generation}/settlement-${hash}.json`;
}

/**
 * The marker of a batch whose jobs due by `until` are being moved to a faster lane: written before the first of them moves,
 * so that whoever comes next finishes it, whatever has become of the batch.
 */
export function escalationKey(id: BatchId, until: Instant): string {
  return `${PREFIXES.escalations}${id}/${until}`;
}

export function escalationOfMarker(key: string): { readonly batchId: BatchId; readonly until: Instant } {
  const [batchId, until] = key.slice(PREFIXES.escalations.length).split("/");
  return { batchId: batchId as BatchId, until: Number(until) };
}

/** The results of one tenant in one part of a batch. */
export function partResultKey(tenantId: TenantId, id: BatchId, generation: number, part: number): string {
  return `${PREFIXES.results}tenant=${tenantId}/${id}-g${generation}-p${part}.jsonl`;
}

/** The result of one direct call. */
export function directResultKey(tenantId: TenantId, jobId: JobId, attempt: number): string {
  return `${PREFIXES.results}tenant=${tenantId}/${jobId}-${attempt}.jsonl`;
}

/** The result of a job that another step ended without an answer: named by its content, since any number may try. */
export function unansweredResultKey(
  tenantId: TenantId,
  jobId: JobId,
  attempt: number,
  status: string,
  hash: string,
): string {
  return `${PREFIXES.results}tenant=${tenantId}/${jobId}-${attempt}-${status}-${hash}.jsonl`;
}

/** A message too large to be wrapped into a dead letter or a run request. */
export function deadLetterKey(messageId: string): string {
  return `${PREFIXES.deadLetters}${messageId}`;
}
