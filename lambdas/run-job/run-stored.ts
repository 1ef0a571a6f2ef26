import { firstResultOf } from "../admit-jobs/end-unanswered.ts";
import { MissingRecordError } from "../domain/failures.ts";
import type { RunJobRequest } from "../domain/internal-messages.ts";
import { type JobRecord, jobRecordSchema } from "../domain/job-record.ts";
import { PREFIXES } from "../domain/object-keys.ts";
import { findPrice } from "../domain/prices.ts";
import { parseStoredJson } from "../domain/stored-json.ts";
import type { DirectSettings, DirectWork, LaneChoice, RunPorts } from "./direct-work.ts";
import { type RunOutcome, runJob } from "./run-job.ts";

/** Runs a job whose request is stored, in the lane that the run request names. A repeat finds it done and changes nothing. */
export async function runStored(
  request: RunJobRequest,
  ports: RunPorts,
  direct?: DirectSettings,
): Promise<RunOutcome["kind"]> {
  const { source, attempt, reason } = request;
  const record = await readRecord(request, ports);
  const last = reason === "dead-letter";
  const choice = choiceOf(request, record, ports.runtime.now());
  const work: DirectWork = { record, messageId: null, source, retry: false, attempt, last, choice };
  const outcome = await runJob(work, ports, direct);
  // The worker that ended the job may have died before its result was on the way.
  if (outcome.kind === "duplicate" && outcome.job.state === "ended")
    await ports.deliveries.send([firstResultOf(outcome.job)]);
  return outcome.kind;
}

/** Why a request that names no lane is called at once. */
const REASONS: Readonly<Partial<Record<RunJobRequest["reason"], string>>> = {
  alone: "its batch could not tell what is wrong with it: called by itself",
  "dead-letter": "sent again from the dead letters: called at once",
};

/** The lane of the request, if the model is sold in it. */
function choiceOf({ lane, reason }: RunJobRequest, record: JobRecord, now: number): LaneChoice {
  if (lane === undefined) return { lane: "sync", reason: REASONS[reason] ?? record.laneReason };
  const { group } = record;
  if (lane.lane === "sync" || findPrice(group.model, lane.lane, now) !== undefined) return lane;
  return {
    lane: "sync",
    reason: `${group.model} is not sold in the ${lane.lane} lane; before: ${lane.reason}`,
  };
}

/** The job that a request names, read from its segment. Throws MissingRecordError when it does not lie there. */
export async function readRecord(
  { source, jobId, tenantId }: Pick<RunJobRequest, "source" | "jobId" | "tenantId">,
  ports: Pick<RunPorts, "objects">,
): Promise<JobRecord> {
  // Tenants write to the bucket, too: only what lies among the segments was admitted.
  if (!source.key.startsWith(PREFIXES.segments))
    throw new MissingRecordError(`${source.key} is not a segment`);
  const bytes = await ports.objects.getRange(source.key, source.offset, source.length);
  const record = parseStoredJson(jobRecordSchema, bytes);
  if (record.jobId !== jobId || record.tenantId !== tenantId)
    throw new MissingRecordError(`${source.key} does not hold job ${jobId}`);
  return record;
}
