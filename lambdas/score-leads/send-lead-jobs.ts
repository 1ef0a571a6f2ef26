import type { JobInput } from "../../client/submit-jobs.ts";
import { chunks } from "../domain/chunks.ts";
import { MissingRecordError } from "../domain/failures.ts";
import { type Lead, leadSchema } from "../domain/lead-scoring/lead.ts";
import type { LeadSource } from "../domain/lead-scoring/lead-row.ts";
import { parseStoredJson } from "../domain/stored-json.ts";
import type { ObjectStore, Outbox } from "../ports.ts";

/** Jobs that are held in memory at the same time. */
const JOBS_AT_ONCE = 500;

/**
 * Sends a job for each of these leads, read from their frozen copies, one file at a time. Harmless when done again: a
 * job's key names the day, the lead and the step.
 */
export async function sendLeadJobs(
  sources: readonly LeadSource[],
  toJob: (lead: Lead) => JobInput,
  { objects, jobs }: { readonly objects: ObjectStore; readonly jobs: Outbox<JobInput> },
): Promise<void> {
  for (const [key, lines] of Map.groupBy(sources, (source) => source.key)) {
    const bytes = await objects.get(key);
    if (bytes === undefined) throw new MissingRecordError(`no object ${key}`);
    for (const part of chunks(lines, JOBS_AT_ONCE)) {
      await jobs.send(
        part.map(({ offset, length }) =>
          toJob(parseStoredJson(leadSchema, bytes.subarray(offset, offset + length))),
        ),
      );
    }
  }
}
