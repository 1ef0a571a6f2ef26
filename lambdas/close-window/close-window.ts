import { frozenWindowSchema } from "../domain/batch-record.ts";
import { MissingRecordError } from "../domain/failures.ts";
import type { WindowId } from "../domain/ids.ts";
import { openSegmentKey, windowObjectKey } from "../domain/object-keys.ts";
import type { ObjectStore, Windows } from "../ports.ts";
import { parseStoredJson } from "../domain/stored-json.ts";

/**
 * Ends a window: marks its segments as taken for good, then lets the next window have the head. The mark comes first:
 * the next window must see it, whatever markers a slow writer leaves behind.
 */
export async function closeWindow(
  windowId: WindowId,
  ports: { readonly objects: ObjectStore; readonly windows: Windows },
): Promise<void> {
  const hash = await ports.windows.settled(windowId, "frozen");
  if (hash === undefined) throw new MissingRecordError(`window ${windowId} is not frozen`);
  const bytes = await ports.objects.get(windowObjectKey(windowId, "frozen", hash));
  if (bytes === undefined) throw new MissingRecordError(`the frozen list of window ${windowId} is missing`);
  const { segments } = parseStoredJson(frozenWindowSchema, bytes);
  await ports.windows.markTaken(windowId, segments);
  await ports.objects.delete(segments.map(openSegmentKey));
  await ports.windows.release(windowId);
}
