import { type Admission, type AdmissionSettings, admit, type Refusal } from "../domain/admission.ts";
import { type JobId, jobIdOf, type TenantId } from "../domain/ids.ts";
import { toIso } from "../domain/instant.ts";
import { deadLetterSchema } from "../domain/internal-messages.ts";
import {
  type Address,
  addressSchema,
  cancelMessageSchema,
  type JobMessage,
  jobMessageSchema,
  type ProviderRequest,
  providerRequestSchema,
} from "../domain/job-message.ts";
import type { JobRecord } from "../domain/job-record.ts";
import { lineText } from "../domain/jsonl.ts";
import { uploadPrefix } from "../domain/object-keys.ts";
import { rejectedResult } from "../domain/rejected-result.ts";
import type { StoredResult } from "../domain/result-message.ts";
import { schemaProblem } from "../domain/schema-problem.ts";
import type { Tenant, TenantPolicy } from "../domain/tenant-policy.ts";
import type { Tier } from "../domain/vocabulary.ts";
import type { ObjectStore, Tenants } from "../ports.ts";
import type { Cancel } from "./cancel-job.ts";

/** Characters of the reason that a tenant is given: a message can be wrong in thousands of ways at once. */
const LONGEST_REASON = 2000;

/** A message as it came off a job queue. */
export type IncomingMessage = {
  readonly messageId: string;
  readonly body: string;
  /** SQS `SenderId`; null when the queue did not tell. */
  readonly senderId: string | null;
  /** When SQS took the message: the same at every delivery. */
  readonly sentAt: number;
  /** Which of the job queues it came through: transport, and where its dead letter goes. */
  readonly queue: Tier;
};

/**
 * What a message turns out to be. `cancel`: it asks for a job's end; `refused`: it names a tenant that may be told why not; `unanswerable`: it cannot be
 * told to anyone, and is kept for the operator.
 */
export type OpenedMessage =
  | {
      readonly kind: "job";
      readonly message: IncomingMessage;
      readonly record: JobRecord;
      readonly retry: boolean;
      /** The tenant's, as its policy says now. */
      readonly limits: TenantPolicy["limits"];
    }
  | { readonly kind: "cancel"; readonly message: IncomingMessage; readonly cancel: Cancel }
  | { readonly kind: "refused"; readonly message: IncomingMessage; readonly result: StoredResult }
  | { readonly kind: "unanswerable"; readonly message: IncomingMessage; readonly reason: Refusal };

export type OpeningPorts = { readonly objects: ObjectStore; readonly tenants: Tenants };

/** Parses one message, finds its tenant and its request, and decides whether it becomes a job. */
export async function openMessage(
  message: IncomingMessage,
  ports: OpeningPorts,
  settings: AdmissionSettings,
): Promise<OpenedMessage> {
  try {
    return await open(message, ports, settings);
  } catch (error) {
    // Thrown by whatever walks a value that is nested thousands of levels deep; it would be again, every time.
    if (!(error instanceof RangeError)) throw error;
    return unanswerable(message, "nested_too_deeply", "the message is nested too deeply to be read");
  }
}

async function open(
  message: IncomingMessage,
  ports: OpeningPorts,
  settings: AdmissionSettings,
): Promise<OpenedMessage> {
  const json = parseJson(message.body);
  if (json === undefined) return unanswerable(message, "invalid_json", "the message body is not JSON");
  // Kept, and no more: whoever may write to a job queue could have written it, in any tenant's name.
  if (deadLetterSchema.safeParse(json).success) {
    return unanswerable(message, "moved_dead_letter", "this is a dead letter, not a job message");
  }
  const address = addressSchema.safeParse(json);
  if (!address.success) {
    return unanswerable(message, "unknown_tenant", "the message names no valid tenantId");
  }
  const tenant = await ports.tenants.get(address.data.tenantId);
  if (!tenant) {
    return unanswerable(message, "unknown_tenant", `there is no tenant "${address.data.tenantId}"`);
  }
  if (!maySend(tenant, message.senderId)) {
    return unanswerable(
      message,
      "sender_not_allowed",
      `this sender may not send for tenant "${address.data.tenantId}"`,
    );
  }
  const refuse = (refusal: Refusal): OpenedMessage => ({
    kind: "refused",
    message,
    result: refusalResult(address.data, refusal, message),
  });
  if (hasCancel(json)) {
    const asked = cancelMessageSchema.safeParse(json);
    if (!asked.success) return refuse({ code: "invalid_message", message: schemaProblem(asked.error) });
    const { tenantId, cancel } = asked.data;
    const jobId = jobIdOf(tenant.salt, tenantId, cancel.idempotencyKey);
    const { messageId: cancelId, sentAt } = message;
    return { kind: "cancel", message, cancel: { tenantId, jobId, ...cancel, cancelId, sentAt } };
  }
  const parsed = jobMessageSchema.safeParse(json);
  if (!parsed.success) return refuse({ code: "invalid_message", message: schemaProblem(parsed.error) });
  const request = await requestOf(parsed.data, ports.objects, settings.maxRequestBytes);
  if (request.kind === "refused") return refuse(request);
  const admission: Admission = admit(parsed.data, request.request, tenant, message.sentAt, settings);
  return admission.kind === "admitted"
    ? {
        kind: "job",
        message,
        record: admission.record,
        retry: parsed.data.retry === true,
        limits: tenant.policy.limits,
      }
    : refuse(admission);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function hasCancel(json: unknown): boolean {
  return typeof json === "object" && json !== null && "cancel" in json;
}

/** For roles SQS reports `AROA…:session`; the session's name is the caller's choice and proves nothing. */
function maySend(tenant: Tenant, senderId: string | null): boolean {
  const { senders } = tenant.policy;
  return senders.length === 0 || (senderId !== null && senders.includes(senderId.split(":")[0] ?? ""));
}

type FoundRequest =
  | { readonly kind: "found"; readonly request: ProviderRequest }
  | ({ readonly kind: "refused" } & Refusal);

/** The request of a message, fetched from the tenant's own uploads when the message only names it. */
async function requestOf(message: JobMessage, objects: ObjectStore, maxBytes: number): Promise<FoundRequest> {
  const { request } = message;
  if (!("s3Key" in request)) return { kind: "found", request };
  const prefix = uploadPrefix(message.tenantId);
  if (!request.s3Key.startsWith(prefix) || request.s3Key.split("/").includes("..")) {
    return noRequest("upload_not_allowed", `request.s3Key must begin with "${prefix}"`);
  }
  const size = await objects.size(request.s3Key);
  if (size === undefined) return noRequest("upload_missing", `there is no object "${request.s3Key}"`);
  if (size > maxBytes) {
    return noRequest("request_too_large", `"${request.s3Key}" has ${size} bytes; ${maxBytes} are allowed`);
  }
  const bytes = await objects.get(request.s3Key);
  const json = bytes && parseJson(lineText({ bytes }));
  if (json === undefined) return noRequest("invalid_upload", `"${request.s3Key}" is not JSON`);
  const parsed = providerRequestSchema.safeParse(json);
  if (!parsed.success) return noRequest("invalid_upload", schemaProblem(parsed.error));
  return { kind: "found", request: parsed.data };
}

function noRequest(code: string, message: string): FoundRequest {
  return { kind: "refused", code, message };
}

function unanswerable(message: IncomingMessage, code: string, text: string): OpenedMessage {
  return { kind: "unanswerable", message, reason: { code, message: text } };
}

/** The answer to a message that did not become a job: no job id, but the message's own. */
export function refusalResult(
  address: Address & { readonly tenantId: TenantId },
  refusal: Refusal,
  message: IncomingMessage,
  jobId: JobId | null = null,
): StoredResult {
  return rejectedResult({
    jobId,
    messageId: message.messageId,
    tenantId: address.tenantId,
    idempotencyKey: address.idempotencyKey ?? address.cancel?.idempotencyKey ?? null,
    taskType: address.taskType ?? null,
    vertical: address.vertical ?? null,
    agentId: address.agentId ?? null,
    error: { code: refusal.code, message: refusal.message.slice(0, LONGEST_REASON) },
    producedAt: toIso(message.sentAt),
    metadata: address.metadata ?? {},
  });
}
