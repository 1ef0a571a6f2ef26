import type { TenantId } from "../ids.ts";
import { type Instant, toIso } from "../instant.ts";
import { rejectedResult } from "../rejected-result.ts";
import type { ResultMessage } from "../result-message.ts";
import { WORKLOAD_AGENTS } from "../workloads.ts";
import { POST_CALL_TASK } from "./analysis-job.ts";

/** Characters of the reason that a tenant is given. */
const LONGEST_REASON = 500;

/** Why something that was dropped or sent is not analysed. */
export type Refusal = {
  readonly code:
    | "workload_off"
    | "object_missing"
    | "object_too_large"
    | "unsupported_type"
    | "empty_object"
    | "not_text"
    | "invalid_json"
    | "invalid_transcript"
    | "transcript_too_large"
    | "too_many_bad_lines";
  readonly message: string;
  /** Of the object, from 1; left out where the object as a whole is refused, or none was dropped. */
  readonly line?: number;
};

/** What was refused: by which message it was told of, and the object that it names, if it names one. */
export type RefusedInput = {
  readonly messageId: string;
  readonly sentAt: Instant;
  readonly objectKey: string | null;
};

/**
 * The tenant's answer to what was refused, in the shape of a rejected result. Each line has a message id of its own: by
 * it, repeats are told from other lines of the same object.
 */
export function refusedResult(tenantId: TenantId, refusal: Refusal, input: RefusedInput): ResultMessage {
  const { code, message, line } = refusal;
  const { messageId, sentAt, objectKey } = input;
  const rejected = rejectedResult({
    jobId: null,
    messageId: line === undefined ? messageId : `${messageId}/${line}`,
    tenantId,
    idempotencyKey: null,
    taskType: POST_CALL_TASK,
    vertical: null,
    agentId: WORKLOAD_AGENTS.postCall,
    error: { code, message: message.slice(0, LONGEST_REASON) },
    producedAt: toIso(sentAt),
    metadata: {
      ...(objectKey !== null && { object: objectKey }),
      ...(line !== undefined && { line }),
    },
  });
  return { ...rejected, result: null };
}
