import { DEFAULT_TIER_DUE_SECONDS } from "../../lambdas/domain/limits.ts";
import { admit } from "../../lambdas/domain/admission.ts";
import { jobMessageSchema } from "../../lambdas/domain/job-message.ts";
import type { IndexEntry, JobRecord, Source } from "../../lambdas/domain/job-record.ts";
import { encodeLine } from "../../lambdas/domain/jsonl.ts";
import type { Tenant } from "../../lambdas/domain/tenant-policy.ts";
import type { ObjectStore } from "../../lambdas/ports.ts";
import { NOON } from "../contracts/sample-records.ts";

export const PROMPT = "something personal";

export type AdmittedJob = { readonly record: JobRecord; readonly source: Source };

/** A job as admission stores it: one line of a segment of its own. */
export async function admittedJob(
  tenant: Tenant,
  idempotencyKey: string,
  objects: ObjectStore,
): Promise<AdmittedJob> {
  const body = { model: "gpt-5-nano", messages: [{ role: "user", content: PROMPT }] };
  const message = jobMessageSchema.parse({
    version: 1,
    tenantId: tenant.policy.tenantId,
    idempotencyKey,
    taskType: "post_call_summary",
    vertical: "salon",
    agentId: "front-desk",
    request: { provider: "openai", endpoint: "/v1/chat/completions", body },
  });
  const settings = { tierDueSeconds: DEFAULT_TIER_DUE_SECONDS, maxRequestBytes: 1_000_000 };
  if ("s3Key" in message.request) throw new Error("not an upload");
  const admission = admit(message, message.request, tenant, NOON - 60_000, settings);
  if (admission.kind === "refused") throw new Error(admission.message);
  const text = encodeLine(admission.record);
  const key = `segments/lines/${idempotencyKey}.jsonl`;
  await objects.put(key, text);
  return { record: admission.record, source: { key, line: 0, offset: 0, length: Buffer.byteLength(text) } };
}

/** The line by which a window plans it. */
export function indexEntry({ record, source }: AdmittedJob): IndexEntry {
  const { jobId, tenantId, group, inputs, lineBytes, due } = record;
  const tokens = record.estimate.inputTokens;
  const round = { attempt: 1, roundStart: 1 };
  return { version: 1, jobId, tenantId, ...round, group, tokens, inputs, lineBytes, due, source };
}
