import type { z } from "zod";
import { contentHash } from "../lambdas/domain/ids.ts";
import { type JobMessage, jobMessageSchema } from "../lambdas/domain/job-message.ts";
import { uploadPrefix } from "../lambdas/domain/object-keys.ts";
import { defaultTierOf } from "../lambdas/domain/tiers.ts";
import type { Tier } from "../lambdas/domain/vocabulary.ts";
import { schemaProblem } from "../lambdas/domain/schema-problem.ts";

/** Bytes of one message, and of all messages of one SendMessageBatch: SQS's limit. */
export const MAX_SEND_BYTES = 1_048_576;

/** A job as an app writes it: the job message without its version. */
export type JobInput = Omit<z.input<typeof jobMessageSchema>, "version">;

/** A job ready to be sent. `upload` is what must lie in the bucket first. */
export type JobDraft = {
  readonly tenantId: string;
  /** The tier whose queue it goes by. */
  readonly queue: Tier;
  readonly body: string;
  /** UTF-8 bytes of the body; the messages carry no attributes. */
  readonly bytes: number;
  readonly upload: { readonly key: string; readonly body: string } | null;
};

/** The message of a job, or what is wrong with it in words. A request too large for a message becomes an upload. */
export function draftOf(job: JobInput, mayUpload: boolean): JobDraft | string {
  const parsed = jobMessageSchema.safeParse({ ...job, version: 1 });
  if (!parsed.success) return schemaProblem(parsed.error);
  const draft = messageOf(parsed.data);
  if (draft.bytes <= MAX_SEND_BYTES) return { ...draft, upload: null };
  if (!mayUpload) {
    return `the message has ${draft.bytes} bytes and SQS takes ${MAX_SEND_BYTES}: give \`uploads\` so that its request can go through S3`;
  }
  const request = toJson(parsed.data.request);
  const key = `${uploadPrefix(parsed.data.tenantId)}${contentHash(request)}.json`;
  return { ...messageOf({ ...parsed.data, request: { s3Key: key } }), upload: { key, body: request } };
}

function messageOf(message: JobMessage): Omit<JobDraft, "upload"> {
  const { tenantId, tier, taskType } = message;
  const body = toJson(message);
  // Only the queue that is likely to be quickest: the tier is decided by the gateway, whatever queue a job comes through.
  const queue = tier ?? defaultTierOf(taskType);
  return { tenantId, queue, body, bytes: Buffer.byteLength(body) };
}

/** SQS refuses U+FFFE and U+FFFF, which JSON leaves as they are; inside JSON's strings an escape means the same. */
export function toJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("\uFFFE", "\\ufffe").replaceAll("\uFFFF", "\\uffff");
}
