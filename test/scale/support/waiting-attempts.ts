import { indexEntrySchema } from "../../../lambdas/domain/job-record.ts";
import { customIdOf } from "../../../lambdas/domain/ids.ts";
import { jsonLines, lineText } from "../../../lambdas/domain/jsonl.ts";
import { PREFIXES, segmentIdOfMarker, segmentIndexKey } from "../../../lambdas/domain/object-keys.ts";
import type { ObjectStore } from "../../../lambdas/ports.ts";

/** The custom ids of the attempts that wait for a next window, each as often as open segments list it. */
export async function waitingAttempts(objects: ObjectStore): Promise<string[]> {
  const waiting: string[] = [];
  for await (const { key } of objects.list(PREFIXES.openSegments)) {
    const index = objects.stream(segmentIndexKey(segmentIdOfMarker(key)));
    for await (const line of jsonLines(index)) {
      const { jobId, attempt } = indexEntrySchema.parse(JSON.parse(lineText(line)));
      waiting.push(customIdOf(jobId, attempt));
    }
  }
  return waiting;
}
