import { type Group, SHARED, dedicatedTo, groupKey } from "./group.ts";
import { type BatchId, type JobId, type TenantId, type WindowId, batchIdOf, customIdOf } from "./ids.ts";
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

/** What a plan depends on besides the entries, as it is when the plan is made. */
export type PlanCircumstances = {
  /** Tenants whose policy demands a batch of their own by now, whatever it said at admission: the stricter applies. */
  readonly dedicated: ReadonlySet<TenantId>;
  /** Provider accounts to which nothing is to be sent for now. */
  readonly heldAccounts: ReadonlySet<string>;
  /** Models that have lost their price since admission: they wait for it. */
  readonly unpriced: ReadonlySet<string>;
  /** Attempts, by custom id, that nobody needs any more: their jobs were cancelled, ended or have moved on. */
  readonly over: ReadonlySet<string>;
};

export type Plan = {
  readonly batches: readonly PlannedGroup[];
  readonly carried: readonly IndexEntry[];
  /** Entries that waited for so long past their due time that their jobs are to end. */
  readonly expired: readonly IndexEntry[];
};

/**
 * Milliseconds past its due time after which a job that nobody could run ends. Its request is kept for longer than that,
 * and whoever still wants the answer sends it again.
 */
export const EXPIRES_AFTER_DUE_MS = 7 * 86_400_000;

/**
 * Batches of one window at most: its state machine starts each, and an execution that has written 25,000 events is ended,
 * which would happen to every later run of the window too. Each batch takes nine and some for its retries.
 */
export const MAX_WINDOW_BATCHES = 1000;

/**
 * Which jobs go into which batches, and which wait for the next window. Loses none, repeats none (the same attempt listed
 * twice is placed once: a provider fails a whole batch over a repeated `custom_id`), keeps every limit, and gives the same plan for the same input. A group is written when it is large enough to be worth a batch, when its
 * earliest due time demands it, or when it is a cohort of its own.
 */
export function planWindow(
  windowId: WindowId,
  entries: readonly IndexEntry[],
  { dedicated, heldAccounts, unpriced, over }: PlanCircumstances,
  settings: PlanSettings,
  now: Instant,
): Plan {
  const wanted = latestAttempts(entries).filter((entry) => !over.has(attemptOf(entry)));
  const expired = wanted.filter(({ due }) => now >= due + EXPIRES_AFTER_DUE_MS);
  const mustWait = ({ notBefore = 0, group }: IndexEntry) =>
    notBefore > now || heldAccounts.has(group.account) || unpriced.has(group.model);
  const standing = wanted.filter(({ due }) => now < due + EXPIRES_AFTER_DUE_MS);
  const byUrgency = standing
    .filter((entry) => !mustWait(entry))
    .toSorted((a, b) => a.due - b.due || compareSources(a, b));
  const placeable = byUrgency.slice(0, settings.maxJobs);
  const carried = [...standing.filter(mustWait), ...byUrgency.slice(settings.maxJobs)];
  const batches: PlannedGroup[] = [];
  for (const [key, { group, members }] of groupEntries(placeable, dedicated)) {
    const earliestDue = members[0]?.due ?? Infinity;
    const isCohort = members[0]?.cohort !== undefined;
    const isWorthwhile = isCohort || members.length >= settings.minBatchJobs;
    if (!isWorthwhile && now < earliestDue - settings.leadMs) {
      carried.push(...members);
      continue;
    }
    for (const chunk of splitAtLimits(members, settings.limits[group.provider])) {
      if (batches.length >= MAX_WINDOW_BATCHES) {
        carried.push(...chunk);
        continue;
      }
      batches.push({
        batchId: batchIdOf(windowId, key, batches.length),
        group,
        entries: chunk.toSorted(compareSources),
      });
    }
  }
  return { batches, carried, expired };
}

/** Bytes of an entry's line in the input file: the estimate was made for a one-digit attempt. */
export function inputLineBytes(entry: IndexEntry): number {
  return entry.lineBytes + String(entry.attempt).length - 1;
}

/**
 * Each job once: where it is listed with an attempt and a later one it has moved on, though a reading of the job map that
 * is a moment old may not say so yet. In one batch, both answers would be its result.
 */
function latestAttempts(entries: readonly IndexEntry[]): IndexEntry[] {
  const latest = new Map<JobId, IndexEntry>();
  for (const entry of entries) {
    const earlier = latest.get(entry.jobId);
    if (earlier === undefined || earlier.attempt <= entry.attempt) latest.set(entry.jobId, entry);
  }
  return [...latest.values()];
}

function attemptOf({ jobId, attempt }: IndexEntry): string {
  return customIdOf(jobId, attempt);
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
    const key = entry.cohort === undefined ? groupKey(group) : `${groupKey(group)}|${entry.cohort}`;
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
