import { readHeader } from "../lambdas/admit-jobs/end-unanswered.ts";
import type { JobHeader } from "../lambdas/domain/job-record.ts";
import type { EndedJob, Job } from "../lambdas/domain/job-state.ts";
import { formatUsd } from "../lambdas/domain/money.ts";
import type { Whereabouts } from "./job-whereabouts.ts";
import { fieldList, timeText } from "./report.ts";
import type { Stack } from "./stack.ts";

/** What was admitted as the job, if it is stored and can still be read. */
export async function admittedAs(
  { source }: Job,
  objects: Pick<Stack["objects"], "getRange">,
): Promise<JobHeader | undefined> {
  if (source === null) return undefined;
  try {
    return await readHeader(source, objects);
  } catch {
    // Segments are deleted before the job map forgets a job: the rest is worth showing all the same.
    return undefined;
  }
}

/** A job's story in the order in which it happened, and where it is now. */
export function jobStory(
  idempotencyKey: string,
  job: Job,
  admitted: JobHeader | undefined,
  where: Whereabouts,
): string {
  const { jobId, tenantId, lane, laneReason, attempt, roundStart, roundAt, source } = job;
  const head = fieldList({
    job: jobId,
    tenant: tenantId,
    key: idempotencyKey,
    "task type": admitted?.taskType,
    model: admitted && `${admitted.group.model} at ${admitted.group.provider} ${admitted.group.endpoint}`,
    admitted: admitted && timeText(admitted.receivedAt),
    tier: admitted?.tier,
    lane: `${lane} (${laneReason})`,
    due: admitted && timeText(admitted.due),
    request: source && `${source.key}, line ${source.line}`,
    state: job.state,
    attempt,
    "round began": `${timeText(roundAt === 0 ? null : roundAt)}, with attempt ${roundStart}`,
    ...(job.state === "ended" && endFields(job)),
  });
  const failures = job.story.map(
    ({ attempt, at, by, code }) => `${timeText(at)}  attempt ${attempt} failed: ${code} (${by})`,
  );
  const story = failures.length > 0 ? ["", ...failures] : [];
  return [head, ...story, "", `Now: ${nowText(job, where)}`].join("\n");
}

function endFields(job: EndedJob): Record<string, unknown> {
  const { key, offset, length } = job.result;
  return {
    status: job.status,
    ended: timeText(job.endedAt),
    "ended by": job.endedBy,
    produced: timeText(job.producedAt),
    "effective until": timeText(job.effectiveUntil),
    cost: formatUsd(BigInt(job.costPicoUsd), 9),
    result: `${key}, ${length} bytes from ${offset}`,
  };
}

function nowText(job: Job, where: Whereabouts): string {
  if (job.state === "running")
    return `a call is under way since ${timeText(job.intent.at)}; if its worker dies another takes over after ${timeText(job.leaseUntil)}.`;
  if (job.state === "dead-lettered")
    return `in the dead letters (${job.deadLetteredBy}); it is run once more, alone, within a quarter of an hour.`;
  if (job.state === "ended") return `ended, ${job.status}.`;
  if (where.kind === "in-batch") {
    const { batchId, state, providerBatchId, submittedAt } = where;
    const since = submittedAt === null ? "" : ` since ${timeText(submittedAt)}`;
    const there = providerBatchId === null ? "" : `, at the provider ${providerBatchId}`;
    return `in batch ${batchId}, ${state}${since}${there}.`;
  }
  if (where.kind === "unknown")
    return "queued; what was admitted can no longer be read, so its batch is not looked for.";
  return job.lane === "batch" ? "waiting for a window to take it." : "waiting to be called.";
}
