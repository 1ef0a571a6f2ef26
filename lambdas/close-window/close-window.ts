import type { WindowId } from "../domain/ids.ts";
import { openSegmentKey } from "../domain/object-keys.ts";
import { readFrozen, readPlan, type WindowPorts } from "../plan-window/window-objects.ts";

/**
 * Ends a window: marks its segments as taken for good, then lets the next window have the head. The mark comes first:
 * the next window must see it, whatever markers a slow writer leaves behind. What the plan set aside stays open.
 */
export async function closeWindow(windowId: WindowId, ports: WindowPorts): Promise<void> {
  const { segments } = await readFrozen(windowId, ports);
  const { setAside } = await readPlan(windowId, ports);
  const taken = segments.filter((segment) => !setAside.includes(segment));
  await ports.windows.markTaken(windowId, taken);
  await ports.objects.delete(taken.map(openSegmentKey));
  await ports.windows.release(windowId);
}
