import { RetryableError } from "../domain/failures.ts";
import { contentHash, type JobId, type TenantId } from "../domain/ids.ts";
import type { Delivery } from "../domain/internal-messages.ts";
import { type JobHeader, jobHeaderSchema, type Source } from "../domain/job-record.ts";
import type { EndedJob, Job } from "../domain/job-state.ts";
import { encodeLine } from "../domain/jsonl.ts";
import { unansweredResultKey } from "../domain/object-keys.ts";
import type { StoredResult } from "../domain/result-message.ts";
import { parseStoredJson } from "../domain/stored-json.ts";
import type { DeliveryQueue, JobMap, ObjectStore, Runtime } from "../ports.ts";

export type EndPorts = {
  readonly objects: ObjectStore;
  readonly jobs: JobMap;
  readonly deliveries: DeliveryQueue;
  readonly runtime: Runtime;
};

/** A step that ends a job without an answer of the provider. */
export type UnansweredEnd = {
  readonly tenantId: TenantId;
  readonly jobId: JobId;
  /** Names the step: its re-run ends nothing twice. */
  readonly endedBy: string;
  /** Whether it concerns the job as it is now; asked again whenever the job has moved on meanwhile. */
  concerns(job: Job): boolean;
  resultOf(job: Job): Promise<StoredResult>;
};

/** Each time another worker must have moved the job on: this many in a row means that something else is wrong. */
const ROUNDS = 20;

/**
 * Ends a job that has not ended, and has its first result delivered, whoever ended it. The result lies in the bucket before the
 * end points to it. `left`: the step does not concern the job any more; `unknown`: there is no such job.
 */
export async function endUnanswered(
  step: UnansweredEnd,
  ports: EndPorts,
): Promise<"ended" | "left" | "unknown"> {
  const { tenantId, jobId, endedBy } = step;
  for (let round = 0; round < ROUNDS; round += 1) {
    const job = await ports.jobs.get(tenantId, jobId);
    if (job === undefined) return "unknown";
    if (job.state === "ended") {
      // Read back even after our own end: a re-run of this step may have ended it with another copy of the result.
      await ports.deliveries.send([firstResultOf(job)]);
      return "ended";
    }
    if (!step.concerns(job)) return "left";
    const result = await step.resultOf(job);
    const { attempt } = job;
    const { status, costPicoUsd } = result;
    const text = encodeLine(result);
    const key = unansweredResultKey(tenantId, jobId, attempt, status, contentHash(text, 16));
    await ports.objects.put(key, text);
    await ports.jobs.end({
      tenantId,
      jobId,
      attempt,
      endedBy,
      status,
      result: { key, offset: 0, length: Buffer.byteLength(text) },
      costPicoUsd,
      producedAt: Date.parse(result.producedAt),
      effectiveUntil: null,
      endedAt: ports.runtime.now(),
    });
  }
  throw new RetryableError(`job ${jobId} was moved on by others ${ROUNDS} times in a row`);
}

/** The delivery of an ended job's result. */
export function firstResultOf({ tenantId, result: { key, offset, length } }: EndedJob): Delivery {
  return { version: 1, kind: "lines", tenantId, key, lines: [{ offset, length }] };
}

/** What was admitted as the job, without its body. */
export async function readHeader(
  { key, offset, length }: Source,
  objects: Pick<ObjectStore, "getRange">,
): Promise<JobHeader> {
  return parseStoredJson(jobHeaderSchema, await objects.getRange(key, offset, length));
}
