import type { StoredResult } from "./result-message.ts";
import { NO_RESULT_USAGE } from "./usage.ts";

/** What a rejected result says of the message that it answers. */
type Rejected = Pick<
  StoredResult,
  | "jobId"
  | "messageId"
  | "tenantId"
  | "idempotencyKey"
  | "taskType"
  | "vertical"
  | "agentId"
  | "error"
  | "producedAt"
  | "metadata"
>;

/** The result of what did not become a job: no provider was called, and nothing was billed. */
export function rejectedResult(rejected: Rejected): StoredResult {
  return {
    version: 1,
    ...rejected,
    status: "rejected",
    late: false,
    response: null,
    provider: null,
    model: null,
    tier: null,
    lane: null,
    attempts: 0,
    usage: NO_RESULT_USAGE,
    costMicroUsd: 0,
    syncCostMicroUsd: 0,
    costPicoUsd: "0",
    effectiveUntil: null,
  };
}
