import type { PlannedBatch } from "../lambdas/domain/batch-record.ts";
import { MissingRecordError } from "../lambdas/domain/failures.ts";
import { groupKey } from "../lambdas/domain/group.ts";
import { indexEntrySchema, type JobHeader } from "../lambdas/domain/job-record.ts";
import type { Job } from "../lambdas/domain/job-state.ts";
import { jsonLines } from "../lambdas/domain/jsonl.ts";
import { parseStoredJson } from "../lambdas/domain/stored-json.ts";
import type { Stack } from "./stack.ts";

/** Where a job is. `waiting`: for a window, or to be called; `unknown`: what was admitted can no longer be read. */
export type Whereabouts =
  | { readonly kind: "waiting" | "running" | "dead-lettered" | "ended" | "unknown" }
  | {
      readonly kind: "in-batch";
      readonly batchId: string;
      readonly state: string;
      readonly providerBatchId: string | null;
      readonly submittedAt: number | null;
    };

/** Finds a job; one that is queued by looking through the open batches of its group for its current attempt. */
export async function whereIs(
  job: Job,
  admitted: JobHeader | undefined,
  { batches, objects }: Pick<Stack, "batches" | "objects">,
): Promise<Whereabouts> {
  if (job.state !== "queued") return { kind: job.state };
  if (admitted === undefined) return { kind: "unknown" };
  for await (const plan of batches.listOpen(admitted.group.account)) {
    if (plan.orphanOf !== null || groupKey(plan.group) !== groupKey(admitted.group)) continue;
    if (!(await isPlannedIn(plan, job, objects))) continue;
    const batch = await batches.get(plan.batchId);
    if (batch === undefined) continue;
    const { state, providerBatchId, submittedAt } = batch;
    return { kind: "in-batch", batchId: plan.batchId, state, providerBatchId, submittedAt };
  }
  return { kind: "waiting" };
}

async function isPlannedIn(
  { linesKey }: PlannedBatch,
  { tenantId, jobId, attempt }: Job,
  objects: Stack["objects"],
): Promise<boolean> {
  try {
    for await (const { bytes } of jsonLines(objects.stream(linesKey))) {
      // A batch may have 50,000 lines: only one that holds the id is worth parsing.
      if (!Buffer.from(bytes).includes(jobId)) continue;
      const entry = parseStoredJson(indexEntrySchema, bytes);
      if (entry.jobId === jobId && entry.tenantId === tenantId && entry.attempt === attempt) return true;
    }
  } catch (error) {
    // Of a batch that was left open for longer than its lines are kept: the others are worth looking at.
    if (!(error instanceof MissingRecordError)) throw error;
  }
  return false;
}
