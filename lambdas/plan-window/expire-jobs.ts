import { type IndexEntry, indexEntrySchema } from "../domain/job-record.ts";
import { jsonLines } from "../domain/jsonl.ts";
import type { RunRequest } from "../domain/internal-messages.ts";
import { parseStoredJson } from "../domain/stored-json.ts";
import type { ObjectStore, RunQueue } from "../ports.ts";

const REQUESTS_AT_ONCE = 100;

/** Asks for the end of every job of an object of entries. A repeat finds them ended. */
export async function requestExpiry(
  key: string,
  ports: { readonly objects: ObjectStore; readonly runs: RunQueue },
): Promise<void> {
  let requests: RunRequest[] = [];
  for await (const { bytes } of jsonLines(ports.objects.stream(key))) {
    requests.push(expiryOf(parseStoredJson(indexEntrySchema, bytes)));
    if (requests.length < REQUESTS_AT_ONCE) continue;
    await ports.runs.send(requests);
    requests = [];
  }
  await ports.runs.send(requests);
}

function expiryOf({ tenantId, jobId, source, attempt }: IndexEntry): RunRequest {
  return { version: 1, kind: "expire", tenantId, jobId, source, attempt };
}
