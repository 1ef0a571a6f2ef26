import { type Group, SHARED, dedicatedTo, groupKey } from "./group.ts";
import { type BatchId, type TenantId, type WindowId, batchIdOf, customIdOf } from "./ids.ts";
import type { Instant } from "./instant.ts";
import type { IndexEntry } from "./job-record.ts";
import type { BatchLimits } from "./limits.ts";
import type { Provider } from "./vocabulary.ts";

export type PlanSettings = {
  readonly limits: Readonly<Record<Provider, BatchLimits>>;
  /** Jobs that make a batch worth its fixed cost. */
  readonly minBatchJobs: number;
  /** Milliseconds before its due time by which a job goes into a batch, however small. */
  readonly leadMs: number;
  /** Most jobs placed by one window. */
  readonly maxJobs: number;
};

export type PlannedGroup = {
  readonly batchId: BatchId;
  readonly group: Group;
  /** In the order of the segments, so that writing the batch reads each segment once, forwards. */
  readonly entries: readonly IndexEntry[];
};

export type Plan = { readonly batches: readonly PlannedGroup[]; readonly carried: readonly IndexEntry[] };

/**
 * Which jobs go into which batches, and which wait for the next window. Loses none, repeats none (the same attempt listed
 * twice is placed once: a provider fails a whole batch over a repeated `custom_id`), keeps every limit, and gives the same plan for the same input. A group is written when it is large enough to be worth a batch or when its
 * earliest due time demands it. `dedicated` are tenants whose policy demands a batch of their own by now, whatever it
 * said at admission: the stricter of the two applies.
 */
export function planWindow(
  windowId: WindowId,
  entries: readonly IndexEntry[],
  dedicated: ReadonlySet<TenantId>,
  settings: PlanSettings,
  now: Instant,
): Plan {
  const byUrgency = distinctAttempts(entries).toSorted((a, b) => a.due - b.due || compareSources(a, b));
  const placeable = byUrgency.slice(0, settings.maxJobs);
  const carried = byUrgency.slice(settings.maxJobs);
  const batches: PlannedGroup[] = [];
  for (const [key, { group, members }] of groupEntries(placeable, dedicated)) {
    const earliestDue = members[0]?.due ?? Infinity;
    if (members.length < settings.minBatchJobs && now < earliestDue - settings.leadMs) {
      carried.push(...members);
      continue;
    }
    for (const chunk of splitAtLimits(members, settings.limits[group.provider])) {
      batches.push({
        batchId: batchIdOf(windowId, key, batches.length),
        group,
        entries: chunk.toSorted(compareSources),
      });
    }
  }
  return { batches, carried };
}

/** Bytes of an entry's line in the input file: the estimate was made for a one-digit attempt. */
export function inputLineBytes(entry: IndexEntry): number {
  return entry.lineBytes + String(entry.attempt).length - 1;
}

function distinctAttempts(entries: readonly IndexEntry[]): IndexEntry[] {
  return [...new Map(entries.map((entry) => [customIdOf(entry.jobId, entry.attempt), entry])).values()];
}

function compareSources(a: IndexEntry, b: IndexEntry): number {
  return a.source.key < b.source.key
    ? -1
    : a.source.key > b.source.key
      ? 1
      : a.source.offset - b.source.offset;
}

type Members = { readonly group: Group; readonly members: IndexEntry[] };

function groupEntries(
  entries: readonly IndexEntry[],
  dedicated: ReadonlySet<TenantId>,
): Map<string, Members> {
  const groups = new Map<string, Members>();
  for (const entry of entries) {
    const group =
      entry.group.isolation === SHARED && dedicated.has(entry.tenantId)
        ? { ...entry.group, isolation: dedicatedTo(entry.tenantId) }
        : entry.group;
    const key = groupKey(group);
    const found = groups.get(key);
    if (found) found.members.push(entry);
    else groups.set(key, { group, members: [entry] });
  }
  return groups;
}

/** Cuts a list into runs that each keep every limit; a single entry larger than a limit stands alone. */
function splitAtLimits(entries: readonly IndexEntry[], limits: BatchLimits): IndexEntry[][] {
  const chunks: IndexEntry[][] = [];
  let chunk: IndexEntry[] = [];
  let bytes = 0;
  let inputs = 0;
  for (const entry of entries) {
    const full =
      chunk.length + 1 > limits.maxRequests ||
      bytes + inputLineBytes(entry) > limits.maxBytes ||
      inputs + entry.inputs > limits.maxInputs;
    if (full && chunk.length > 0) {
      chunks.push(chunk);
      chunk = [];
      bytes = 0;
      inputs = 0;
    }
    chunk.push(entry);
    bytes += inputLineBytes(entry);
    inputs += entry.inputs;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}
