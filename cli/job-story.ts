import { readHeader } from "../lambdas/admit-jobs/end-unanswered.ts";
import type { JobHeader } from "../lambdas/domain/job-record.ts";
import type { EndedJob, Job } from "../lambdas/domain/job-state.ts";
import { lanesOf } from "../lambdas/domain/job-lanes.ts";
import { formatUsd } from "../lambdas/domain/money.ts";
import type { StoredResult } from "../lambdas/domain/result-message.ts";
import { chargeLines, type JobCharge } from "./job-charges.ts";
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

/** All that is known of a job. */
export type KnownJob = {
  readonly idempotencyKey: string | null;
  readonly job: Job;
  readonly admitted: JobHeader | undefined;
  readonly result: StoredResult | undefined;
  readonly where: Whereabouts;
  readonly charges: readonly JobCharge[];
};

/** A job's story in the order in which it happened, what was charged for it, and where it is now. */
export function jobStory({ idempotencyKey, job, admitted, result, where, charges }: KnownJob): string {
  const { jobId, tenantId, attempt, roundStart, roundAt, source } = job;
  const head = fieldList({
    job: jobId,
    tenant: tenantId,
    key: idempotencyKey,
    "task type": admitted?.taskType ?? result?.taskType,
    model: modelText(admitted, result),
    // Of a job whose request is stored nowhere, when its latest round was asked for.
    received: timeText(admitted?.receivedAt ?? (roundAt === 0 ? null : roundAt)),
    tier: tierText(admitted, result),
    due: admitted && timeText(admitted.due),
    "not before": admitted?.notBefore && timeText(admitted.notBefore),
    reserved: admitted?.reserved && reservedText(admitted.reserved),
    request: source && `${source.key}, line ${source.line}`,
    state: job.state,
    attempt,
    "round began": `${timeText(roundAt === 0 ? null : roundAt)}, with attempt ${roundStart}`,
    ...(job.state === "ended" && endFields(job)),
    ...(result && { late: result.late ? "yes" : "no" }),
  });
  const lanes = lanesOf(job).map(
    (given) =>
      `${timeText(given.at === 0 ? null : given.at)}  ${given.lane}, from attempt ${given.attempt}: ${given.reason}`,
  );
  const failures = job.story.map(
    ({ attempt, at, by, code }) => `${timeText(at)}  attempt ${attempt} failed: ${code} (${by})`,
  );
  return [
    head,
    ...section("Lanes", lanes),
    ...section("Failures and moves", failures),
    ...section("Charges", chargeLines(charges)),
    "",
    `Now: ${nowText(job, where)}`,
  ].join("\n");
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ["", `${title}:`, ...lines];
}

function modelText(admitted: JobHeader | undefined, result: StoredResult | undefined) {
  if (admitted === undefined) return result?.model && `${result.model} at ${result.provider ?? "-"}`;
  const { group, alias } = admitted;
  const asked = alias === undefined ? "" : ` (for the alias ${alias.name}, by default ${alias.defaultModel})`;
  return `${group.model} at ${group.provider} ${group.endpoint}${asked}`;
}

/** A job that was called at once has its request stored nowhere: its lane's reason says why, too. */
function tierText(admitted: JobHeader | undefined, result: StoredResult | undefined) {
  if (admitted === undefined) return result?.tier;
  return admitted.tierReason === undefined ? admitted.tier : `${admitted.tier} (${admitted.tierReason})`;
}

function reservedText({ day, picoUsd }: NonNullable<JobHeader["reserved"]>): string {
  return `${formatUsd(BigInt(picoUsd), 9)} of the budget of ${day}`;
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
