import { z } from "zod";
import { finishSegment, type SegmentPorts } from "../admit-jobs/segment.ts";
import type { FrozenWindow } from "../domain/batch-record.ts";
import { chunks } from "../domain/chunks.ts";
import { TerminalError } from "../domain/failures.ts";
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

/**
 * Index bytes of one window, some 100,000 jobs: planning holds every entry at once, and must fit its function however
 * long the backlog. A larger segment is taken alone.
 */
const MAX_INDEX_BYTES = 48 * 1024 * 1024;
const SIZES_AT_ONCE = 32;
/** A window of the future would be the newest for ever, and none of the present would come after it. */
const MOST_AHEAD_MS = 60 * 60_000;
const HASH_LENGTH = 16;

export type FreezePorts = SegmentPorts & { readonly windows: Windows; readonly runtime: Runtime };

/**
 * Begins a window: takes the head of the line, and fixes which segments the window takes. When another window holds the
 * head (its run may have died) that one is gone on with instead. Returns the window to work on, or null when there is
 * nothing to do. Every step may be repeated, by several runs at once: one list stands.
 */
export async function freezeWindow(scheduledTime: string, ports: FreezePorts): Promise<WindowId | null> {
  if (Date.parse(scheduledTime) > ports.runtime.now() + MOST_AHEAD_MS) {
    throw new TerminalError(`${scheduledTime} is in the future: a window is scheduled for now`);
  }
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

/**
 * The segments to take, oldest first: finished (abandoned ones are finished here), not taken by a window before, and no
 * more than planning can hold at once. What is left over is first in line for the next window.
 */
async function finishedSegments(ports: FreezePorts): Promise<SegmentId[]> {
  const frozen: SegmentId[] = [];
  let bytes = 0;
  for (const some of chunks(await openSegments(ports), SIZES_AT_ONCE)) {
    const sizes = await Promise.all(some.map((marker) => indexSize(marker, ports)));
    for (const [number, { id }] of some.entries()) {
      const size = sizes[number];
      if (size === undefined) continue;
      if (frozen.length > 0 && bytes + size > MAX_INDEX_BYTES) return frozen;
      frozen.push(id);
      bytes += size;
    }
  }
  return frozen;
}

type Marker = { readonly id: SegmentId; readonly writtenAt: Instant };

/** Markers of segments that no window has taken, oldest first. */
async function openSegments(ports: FreezePorts): Promise<Marker[]> {
  const markers: Marker[] = [];
  for await (const { key, writtenAt } of ports.objects.list(PREFIXES.openSegments)) {
    markers.push({ id: segmentIdOfMarker(key), writtenAt });
  }
  const taken = await ports.windows.taken(markers.map(({ id }) => id));
  // A marker that came back after its segment was taken: a slow writer's repeat.
  await ports.objects.delete([...taken].map(openSegmentKey));
  return markers.filter(({ id }) => !taken.has(id)).toSorted((a, b) => a.writtenAt - b.writtenAt);
}

/** Bytes of a segment's index; undefined while its writer may still be at work. */
async function indexSize(marker: Marker, ports: FreezePorts): Promise<number | undefined> {
  const key = segmentIndexKey(marker.id);
  const size = await ports.objects.size(key);
  if (size !== undefined || ports.runtime.now() - marker.writtenAt < ABANDONED_AFTER_MS) return size;
  try {
    await finishSegment(marker.id, ports);
  } catch (error) {
    // Written by another release: left for it, and holding up nobody else's jobs.
    if (error instanceof z.ZodError || error instanceof SyntaxError) return undefined;
    throw error;
  }
  return ports.objects.size(key);
}
