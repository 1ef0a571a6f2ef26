import { z } from "zod";
import { groupKey } from "../domain/group.ts";
import type { SegmentId } from "../domain/ids.ts";
import { type IndexEntry, indexEntrySchema } from "../domain/job-record.ts";
import { jsonLines } from "../domain/jsonl.ts";
import { segmentIndexKey } from "../domain/object-keys.ts";
import { parseStoredJson } from "../domain/stored-json.ts";
import type { ObjectStore } from "../ports.ts";

export type SegmentEntries = {
  readonly entries: readonly IndexEntry[];
  /** Segments whose index this release cannot read: they stay open, and hold up nobody else's jobs. */
  readonly setAside: readonly SegmentId[];
};

/** The index entries of some segments. Equal groups and keys share one object: there are few of them. */
export async function readEntries(
  segments: readonly SegmentId[],
  objects: ObjectStore,
): Promise<SegmentEntries> {
  const groups = new Map<string, IndexEntry["group"]>();
  const keys = new Map<string, string>();
  const entries: IndexEntry[] = [];
  const setAside: SegmentId[] = [];
  for (const segment of segments) {
    const own = await readIndex(segment, objects);
    if (own === undefined) setAside.push(segment);
    for (const entry of own ?? []) {
      const { key } = entry.source;
      entries.push({
        ...entry,
        group: interned(groups, groupKey(entry.group), entry.group),
        source: { ...entry.source, key: interned(keys, key, key) },
      });
    }
  }
  return { entries, setAside };
}

async function readIndex(segment: SegmentId, objects: ObjectStore): Promise<IndexEntry[] | undefined> {
  const entries: IndexEntry[] = [];
  try {
    for await (const { bytes } of jsonLines(objects.stream(segmentIndexKey(segment)))) {
      entries.push(parseStoredJson(indexEntrySchema, bytes));
    }
  } catch (error) {
    if (error instanceof z.ZodError || error instanceof SyntaxError) return undefined;
    throw error;
  }
  return entries;
}

/** The first value seen under a name, in place of every later one. */
function interned<Value>(seen: Map<string, Value>, name: string, value: Value): Value {
  const found = seen.get(name);
  if (found !== undefined) return found;
  seen.set(name, value);
  return value;
}
