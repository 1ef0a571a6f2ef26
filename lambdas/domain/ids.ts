import { createHash, createHmac } from "node:crypto";
import { z } from "zod";

/** Tenant ids are lower case so that they can stand in queue names and S3 prefixes unchanged. */
export const tenantIdSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,47}$/, "a tenant id is 1 to 48 of a-z, 0-9 and '-', not starting with '-'")
  .brand<"TenantId">();
export type TenantId = z.infer<typeof tenantIdSchema>;

export const jobIdSchema = z
  .string()
  .regex(/^[a-z2-7]{26}$/)
  .brand<"JobId">();
export type JobId = z.infer<typeof jobIdSchema>;

export const batchIdSchema = z
  .string()
  .regex(/^b-[a-z2-7]{20}$/)
  .brand<"BatchId">();
export type BatchId = z.infer<typeof batchIdSchema>;

/** `YYYYMMDDThhmmssZ`, the scheduled time: ids sort as the windows follow one another. */
export const windowIdSchema = z
  .string()
  .regex(/^\d{8}T\d{6}Z$/)
  .brand<"WindowId">();
export type WindowId = z.infer<typeof windowIdSchema>;

export const segmentIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,80}$/)
  .brand<"SegmentId">();
export type SegmentId = z.infer<typeof segmentIdSchema>;

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

/** RFC 4648 base32, lower case, unpadded, cut to `length` characters. */
function base32(bytes: Uint8Array, length: number): string {
  let text = "";
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32.charAt((buffer >>> bits) & 31);
      if (text.length === length) return text;
    }
    buffer &= (1 << bits) - 1;
  }
  return text;
}

/**
 * The job a (tenant, idempotency key) pair names: 130 bits of HMAC-SHA256 under the tenant's salt, as 26 base32
 * characters. The tenant is length-prefixed so that no two pairs share an input; the salt keeps a provider, who sees
 * job ids inside `custom_id`, from testing guesses of tenant names or keys.
 */
export function jobIdOf(salt: string, tenantId: TenantId, idempotencyKey: string): JobId {
  const digest = createHmac("sha256", salt)
    .update(`${tenantId.length}:${tenantId}${idempotencyKey}`)
    .digest();
  return base32(digest, 26) as JobId;
}

/** What the provider sees of a job: opaque, and unique per attempt. At most 64 characters of `[a-zA-Z0-9_-]`. */
export function customIdOf(jobId: JobId, attempt: number): string {
  return `${jobId}-${attempt}`;
}

/** The job and attempt a `custom_id` names, or undefined for one that is not ours. */
export function parseCustomId(
  customId: string,
): { readonly jobId: JobId; readonly attempt: number } | undefined {
  const match = /^([a-z2-7]{26})-([1-9]\d{0,5})$/.exec(customId);
  return match ? { jobId: match[1] as JobId, attempt: Number(match[2]) } : undefined;
}

/** The same window, group and number always name the same batch, so that a re-run of assembly writes the same one. */
export function batchIdOf(windowId: WindowId, groupKey: string, number: number): BatchId {
  const digest = createHash("sha256").update(`${windowId}\n${groupKey}\n${number}`).digest();
  return `b-${base32(digest, 20)}` as BatchId;
}

/** The name under which a second provider batch of a batch's requests is watched. */
export function orphanIdOf(batchId: BatchId, providerBatchId: string): BatchId {
  const digest = createHash("sha256").update(`${batchId}\norphan\n${providerBatchId}`).digest();
  return `b-${base32(digest, 20)}` as BatchId;
}

/** The window of a scheduled time given as ISO 8601 (EventBridge Scheduler's `<aws.scheduler.scheduled-time>`). */
export function windowIdOf(scheduledTime: string): WindowId {
  const second = new Date(scheduledTime).toISOString().slice(0, 19);
  return `${second.replaceAll("-", "").replaceAll(":", "")}Z` as WindowId;
}

/** Hex SHA-256 of a text; `length` characters of it. */
export function contentHash(text: string | Uint8Array, length = 64): string {
  return createHash("sha256").update(text).digest("hex").slice(0, length);
}
