import type { PlannedBatch } from "../../../lambdas/domain/batch-record.ts";
import { customIdOf, type JobId, jobIdOf, type TenantId } from "../../../lambdas/domain/ids.ts";
import { utcDate } from "../../../lambdas/domain/instant.ts";
import type { ManifestEntry } from "../../../lambdas/domain/job-record.ts";
import { encodeLine } from "../../../lambdas/domain/jsonl.ts";
import { collectedKey, partResultKey, settlementKey } from "../../../lambdas/domain/object-keys.ts";
import { manifestKeyOf } from "../../../lambdas/domain/orphans.ts";
import type { Part, SettlementPlan } from "../../../lambdas/domain/settlement-plan.ts";
import type { Batches, JobMap, Ledger, ObjectStore } from "../../../lambdas/ports.ts";
import {
  aClaim,
  aMove,
  anEnd,
  anEntry,
  aPlan,
  NOON,
  OUTCOME,
  sourceAt,
} from "../../contracts/sample-records.ts";
import { aManifestEntry } from "./sample-manifest.ts";

/**
 * A batch as settling leaves it, put into the stores by hand: the reference for reconciling is not what settling does.
 * Every answer used 1,000 tokens in and 100 out: at aPlan's prices that is $0.000045, in both lanes.
 */
export const ANSWER_PICO = 45_000_000n;
const USAGE = { prompt_tokens: 1_000, completion_tokens: 100 };

export type SettledStores = {
  readonly objects: ObjectStore;
  readonly batches: Batches;
  readonly jobs: JobMap;
  readonly ledger: Ledger;
};

/** A request and what became of it: its line, its job, and whether its tenant was charged. */
export type SettledRequest = {
  readonly tenant: string;
  readonly key: string;
  readonly line: "answer" | "error" | "none";
  /** `elsewhere`: another batch ended the job. `queued`: nothing was done. */
  readonly job: "succeeded" | "failed" | "requeued" | "dead-lettered" | "elsewhere" | "queued" | "missing";
  readonly charged: boolean;
};

export function answered(tenant: string, key: string, fields: Partial<SettledRequest> = {}): SettledRequest {
  return { tenant, key, line: "answer", job: "succeeded", charged: true, ...fields };
}

export function refused(tenant: string, key: string, fields: Partial<SettledRequest> = {}): SettledRequest {
  return { tenant, key, line: "error", job: "failed", charged: false, ...fields };
}

export function unanswered(
  tenant: string,
  key: string,
  fields: Partial<SettledRequest> = {},
): SettledRequest {
  return { tenant, key, line: "none", job: "requeued", charged: false, ...fields };
}

export function jobOf({ tenant, key }: Pick<SettledRequest, "tenant" | "key">): JobId {
  return jobIdOf("the salt of everybody, long enough", tenant as TenantId, key);
}

export function customIdFor(request: Pick<SettledRequest, "tenant" | "key">): string {
  return customIdOf(jobOf(request), 1);
}

export function answerLineOf(customId: string, usage = USAGE): string {
  const body = { object: "chat.completion", model: "gpt-5-nano", choices: [], usage };
  return encodeLine({ custom_id: customId, response: { status_code: 200, body }, error: null });
}

export function errorLineOf(customId: string): string {
  const body = { error: { code: "bad_value", message: "no" } };
  return encodeLine({ custom_id: customId, response: { status_code: 400, body }, error: null });
}

export type SettledBatch = {
  readonly requests: readonly SettledRequest[];
  readonly plan?: Partial<PlannedBatch>;
  /** The provider's lines, where they are not one per request. */
  readonly output?: readonly string[];
  readonly completedAt?: number;
};

/** Puts a closed batch into the stores; returns its plan. `number` tells batches apart. */
export async function putSettledBatch(
  stores: SettledStores,
  number: number,
  { requests, plan: fields, output, completedAt = NOON + 3_600_000 }: SettledBatch,
): Promise<PlannedBatch> {
  const plan = aPlan(number, "openai", { requests: requests.length, ...fields });
  const { batchId } = plan;
  const lines = output ?? requests.flatMap(linesOf);
  await stores.batches.register(plan);
  await stores.objects.put(
    manifestKeyOf(plan),
    requests.map((request, line) => encodeLine(manifestEntry(request, line, plan))).join(""),
  );
  const lease = await stores.batches.lease(batchId, NOON, NOON + 1);
  if (lease === undefined) throw new Error(`${batchId} was put before`);
  await stores.batches.recordSubmitted(lease, providerBatchOf(number), NOON);
  const outputKey = collectedKey(batchId, 1, lease.fence, "output");
  if (lines.length > 0) await stores.objects.put(outputKey, lines.join(""));
  const part: Part = {
    kind: "lines",
    key: outputKey,
    offset: 0,
    length: Math.max(1, Buffer.byteLength(lines.join(""))),
    lines: Math.max(1, lines.length),
    skip: [],
  };
  const settlement: SettlementPlan = {
    version: 1,
    batchId,
    generation: 1,
    providerBatchId: providerBatchOf(number),
    providerStatus: "completed",
    files: null,
    completedAt,
    parts: lines.length > 0 ? [part] : [],
    refusedRows: {},
    missingReason: { seen: "missing-line", code: "no_answer", message: "" },
    counts: { lines: 0, answered: 0, failed: 0, repeated: 0, unknown: 0, unparseable: 0, missing: 0 },
  };
  const key = settlementKey(batchId, 1, "0");
  await stores.objects.put(key, JSON.stringify(settlement));
  await stores.batches.recordCollected(lease, key);
  for (const request of requests) await moveJob(stores.jobs, request, batchId);
  await charge(stores.ledger, requests, { number, batchId, date: utcDate(completedAt) });
  await stores.batches.unlease(lease);
  await stores.batches.close(batchId, completedAt + 60_000, OUTCOME);
  return plan;
}

function providerBatchOf(number: number): string {
  return `batch_${number}`;
}

function linesOf(request: SettledRequest): string[] {
  const customId = customIdFor(request);
  if (request.line === "answer") return [answerLineOf(customId)];
  return request.line === "error" ? [errorLineOf(customId)] : [];
}

function manifestEntry(
  { tenant, key }: SettledRequest,
  line: number,
  { group }: PlannedBatch,
): ManifestEntry {
  const jobId = jobOf({ tenant, key });
  return aManifestEntry(line, { tenantId: tenant as TenantId, jobId, idempotencyKey: key, group });
}

async function moveJob(
  jobs: JobMap,
  request: SettledRequest,
  batchId: PlannedBatch["batchId"],
): Promise<void> {
  if (request.job === "missing") return;
  const job = { tenantId: request.tenant as TenantId, jobId: jobOf(request) };
  const step = `${batchId}-g1-p0`;
  const costPicoUsd = request.line === "answer" ? ANSWER_PICO.toString() : "0";
  const result = { key: partResultKey(job.tenantId, batchId, 1, 0), offset: 0, length: 10 };
  await jobs.claim(aClaim(job));
  switch (request.job) {
    case "succeeded":
    case "failed":
      await jobs.end(anEnd({ ...job, status: request.job, endedBy: step, result, costPicoUsd }));
      return;
    case "elsewhere":
      await jobs.end(anEnd({ ...job, endedBy: "cancel-m-1", status: "cancelled" }));
      return;
    case "requeued":
      await jobs.requeue(aMove({ ...job, by: step }));
      return;
    case "dead-lettered":
      await jobs.deadLetter({ ...aMove({ ...job, by: step }), source: sourceAt(0) });
      return;
    case "queued":
      return;
  }
}

async function charge(
  ledger: Ledger,
  requests: readonly SettledRequest[],
  { number, batchId, date }: { readonly number: number; readonly batchId: string; readonly date: string },
): Promise<void> {
  const charged = Object.groupBy(
    requests.filter((request) => request.charged),
    ({ tenant }) => tenant,
  );
  for (const [tenant, answers = []] of Object.entries(charged)) {
    const cost = (BigInt(answers.length) * ANSWER_PICO).toString();
    const usage = { inputTokens: 1_000 * answers.length, outputTokens: 100 * answers.length };
    await ledger.record([
      anEntry(`${date}#${batchId}#g1#p0#${tenant}`, {
        tenantId: tenant as TenantId,
        batchId,
        providerBatchId: providerBatchOf(number),
        answers: answers.length,
        jobs: answers.filter(({ job }) => job === "succeeded").length,
        usage: { ...anEntry(date).usage, ...usage },
        costPicoUsd: cost,
        syncCostPicoUsd: cost,
      }),
    ]);
  }
}
