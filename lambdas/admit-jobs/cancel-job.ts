import type { JobId, TenantId } from "../domain/ids.ts";
import { toIso } from "../domain/instant.ts";
import type { Job } from "../domain/job-state.ts";
import type { StoredResult } from "../domain/result-message.ts";
import { failedResult } from "../domain/settle-line.ts";
import { NO_RESULT_USAGE } from "../domain/usage.ts";
import { type EndPorts, endUnanswered, readHeader } from "./end-unanswered.ts";

export type Cancel = {
  readonly tenantId: TenantId;
  readonly jobId: JobId;
  readonly idempotencyKey: string;
  /** Names the cancel: its repeat changes nothing. */
  readonly cancelId: string;
  /** When it was asked for. */
  readonly sentAt: number;
};

const CANCELLED = {
  code: "cancelled",
  message:
    "the job was cancelled; an answer that the provider had begun is not delivered, and what it bills is charged",
};

/**
 * Ends a job as cancelled, whatever state it is in, and has the result delivered: the first one again if the job had
 * ended. A batch or a call that is under way goes on; its answer is charged and finds the job ended. `left`: the job was opened
 * again after this cancel was sent, and goes on; `unknown`: there is no such job.
 */
export async function cancelJob(cancel: Cancel, ports: EndPorts): Promise<"ended" | "left" | "unknown"> {
  const { tenantId, jobId, cancelId, sentAt } = cancel;
  return endUnanswered(
    {
      tenantId,
      jobId,
      endedBy: `cancel-${cancelId}`,
      concerns: (job) => sentAt >= job.roundAt,
      resultOf: (job) => cancelledResult(job, cancel, ports),
    },
    ports,
  );
}

async function cancelledResult(
  job: Job,
  { idempotencyKey, sentAt }: Cancel,
  ports: Pick<EndPorts, "objects">,
): Promise<StoredResult> {
  const { attempt, lane, source } = job;
  if (source === null) return untaggedResult(job, idempotencyKey, sentAt);
  const header = await readHeader(source, ports.objects);
  return failedResult(header, attempt, CANCELLED, { lane, producedAt: sentAt }, "cancelled");
}

/** The only copy of a direct job is its message, which another worker holds: its tags are not known here. */
function untaggedResult(job: Job, idempotencyKey: string, sentAt: number): StoredResult {
  return {
    version: 1,
    jobId: job.jobId,
    messageId: null,
    tenantId: job.tenantId,
    idempotencyKey,
    taskType: null,
    vertical: null,
    agentId: null,
    status: "cancelled",
    late: false,
    response: null,
    error: CANCELLED,
    provider: null,
    model: null,
    tier: null,
    lane: job.lane,
    attempts: job.attempt,
    usage: NO_RESULT_USAGE,
    costMicroUsd: 0,
    syncCostMicroUsd: 0,
    costPicoUsd: "0",
    producedAt: toIso(sentAt),
    effectiveUntil: null,
    metadata: {},
  };
}
