import { finishSegment } from "../admit-jobs/segment.ts";
import { PREFIXES, segmentIdOfMarker, segmentIndexKey } from "../domain/object-keys.ts";
import { ABANDONED_AFTER_MS } from "../freeze-window/freeze-window.ts";
import type { SweepPorts } from "./sweep-leftovers.ts";

/**
 * Every window takes what is finished, or carries it on under another name: what stays open for longer was written by
 * another release, or waits for windows that do not come.
 */
const LEFT_BEHIND_AFTER_MS = 60 * 60_000;

/** Finishes segments without an index whose writers are dead, and counts what no window has taken. */
export async function finishSegments(
  ports: Pick<SweepPorts, "objects" | "jobs" | "runs" | "runtime">,
  failures: unknown[],
): Promise<{ readonly finished: number; readonly leftBehind: number }> {
  const now = ports.runtime.now();
  let finished = 0;
  let leftBehind = 0;
  for await (const { key, writtenAt } of ports.objects.list(PREFIXES.openSegments)) {
    if (now - writtenAt >= LEFT_BEHIND_AFTER_MS) leftBehind += 1;
    if (now - writtenAt < ABANDONED_AFTER_MS) continue;
    const id = segmentIdOfMarker(key);
    try {
      if ((await ports.objects.size(segmentIndexKey(id))) !== undefined) continue;
      await finishSegment(id, ports);
      finished += 1;
    } catch (error) {
      failures.push(error);
    }
  }
  return { finished, leftBehind };
}
