import { customIdOf } from "../../../lambdas/domain/ids.ts";
import type { JobHeader, ManifestEntry } from "../../../lambdas/domain/job-record.ts";
import { ACME, aPlan, jobIdFor, NOON, sourceAt } from "../../contracts/sample-records.ts";

/** A line of a manifest: the first attempt of a job. */
export function aManifestEntry(line: number, fields: Partial<JobHeader> = {}): ManifestEntry {
  const job: JobHeader = {
    version: 1,
    jobId: jobIdFor(String(line)),
    tenantId: ACME,
    idempotencyKey: String(line),
    requestHash: "hash",
    taskType: "post_call_summary",
    vertical: "healthcare",
    agentId: "front-desk",
    tier: "normal",
    lane: "batch",
    laneReason: "tier",
    receivedAt: NOON,
    due: NOON,
    group: aPlan(1).group,
    estimate: { inputTokens: 10, outputTokens: 10 },
    inputs: 0,
    lineBytes: 100,
    ...fields,
  };
  const customId = customIdOf(job.jobId, 1);
  return { customId, version: 1, attempt: 1, roundStart: 1, source: sourceAt(line), job };
}
