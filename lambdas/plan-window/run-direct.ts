import type { RunRequest } from "../domain/internal-messages.ts";
import { directEntrySchema, type PlannedDirect } from "../domain/job-record.ts";
import { jsonLines } from "../domain/jsonl.ts";
import { parseStoredJson } from "../domain/stored-json.ts";
import type { ObjectStore, RunQueue } from "../ports.ts";

const REQUESTS_AT_ONCE = 100;

/** Has every job of an object of direct entries run in its lane. A repeat finds its attempt begun, or over. */
export async function requestRuns(
  key: string,
  ports: { readonly objects: ObjectStore; readonly runs: RunQueue },
): Promise<void> {
  let requests: RunRequest[] = [];
  for await (const { bytes } of jsonLines(ports.objects.stream(key))) {
    requests.push(runOf(parseStoredJson(directEntrySchema, bytes)));
    if (requests.length < REQUESTS_AT_ONCE) continue;
    await ports.runs.send(requests);
    requests = [];
  }
  await ports.runs.send(requests);
}

function runOf({ entry, lane, reason }: PlannedDirect): RunRequest {
  const { tenantId, jobId, source, attempt } = entry;
  return {
    version: 1,
    kind: "run",
    tenantId,
    jobId,
    source,
    reason: "planned",
    lane: { lane, reason },
    attempt,
  };
}
