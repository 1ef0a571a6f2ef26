import pMap from "p-map";
import { finishSegment, type SegmentPorts } from "../admit-jobs/segment.ts";
import type { FrozenWindow } from "../domain/batch-record.ts";
import { contentHash, type SegmentId, type WindowId, windowIdOf } from "../domain/ids.ts";
import type { Instant } from "../domain/instant.ts";
import {
  openSegmentKey,
  PREFIXES,
  segmentIdOfMarker,
  segmentIndexKey,
  windowObjectKey,
} from "../domain/object-keys.ts";
import type { Runtime, Windows } from "../ports.ts";

/**
 * Age after which a segment without an index has no live writer any more: longer than an admission call may run.
 * Before that its writer is left to finish it, and the next window takes it.
 */
export const ABANDONED_AFTER_MS = 6 * 60_000;

const HASH_LENGTH = 16;

export type FreezePorts = SegmentPorts & { readonly windows: Windows; readonly runtime: Runtime };

/**
 * Begins a window: takes the head of the line, and fixes which segments the window takes. When another window holds the
 * head (its run may have died) that one is gone on with instead. Returns the window to work on, or null when there is
 * nothing to do. Every step may be repeated, by several runs at once: one list stands.
 */
export async function freezeWindow(scheduledTime: string, ports: FreezePorts): Promise<WindowId | null> {
  const windowId = await ports.windows.acquire(windowIdOf(scheduledTime));
  if (windowId === undefined) return null;
  const hash = (await ports.windows.settled(windowId, "frozen")) ?? (await freeze(windowId, ports));
  if (hash !== contentHash(frozenList(windowId, []), HASH_LENGTH)) return windowId;
  // An empty list is frozen like any other before the head is let go: a slower run of this window must find it.
  await ports.windows.release(windowId);
  return null;
}

async function freeze(windowId: WindowId, ports: FreezePorts): Promise<string> {
  // Listed only now that the head is ours: what earlier windows took is marked before they let go of it.
  const text = frozenList(windowId, await finishedSegments(ports));
  const hash = contentHash(text, HASH_LENGTH);
  await ports.objects.put(windowObjectKey(windowId, "frozen", hash), text);
  return ports.windows.settle(windowId, "frozen", hash);
}

function frozenList(windowId: WindowId, segments: readonly SegmentId[]): string {
  return JSON.stringify({ version: 1, windowId, segments: [...segments] } satisfies FrozenWindow);
}

/** Segments that can be taken: finished (abandoned ones are finished here) and not taken by a window before. */
async function finishedSegments(ports: FreezePorts): Promise<SegmentId[]> {
  const markers: { id: SegmentId; writtenAt: Instant }[] = [];
  for await (const { key, writtenAt } of ports.objects.list(PREFIXES.openSegments)) {
    markers.push({ id: segmentIdOfMarker(key), writtenAt });
  }
  const taken = await ports.windows.taken(markers.map(({ id }) => id));
  // A marker that came back after its segment was taken: a slow writer's repeat.
  await ports.objects.delete([...taken].map(openSegmentKey));
  const candidates = markers.filter(({ id }) => !taken.has(id));
  const ready = await pMap(candidates, (marker) => isReady(marker, ports), { concurrency: 16 });
  return candidates.filter((_marker, number) => ready[number]).map(({ id }) => id);
}

async function isReady(
  marker: { readonly id: SegmentId; readonly writtenAt: Instant },
  ports: FreezePorts,
): Promise<boolean> {
  if ((await ports.objects.size(segmentIndexKey(marker.id))) !== undefined) return true;
  if (ports.runtime.now() - marker.writtenAt < ABANDONED_AFTER_MS) return false;
  await finishSegment(marker.id, ports);
  return true;
}
