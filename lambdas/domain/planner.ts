import type { DoneWithin } from "./completion-times.ts";
import { type Group, SHARED, dedicatedTo, groupKey } from "./group.ts";
import { type HeadroomLimits, type HeadroomUsed, batchesLeft, NOTHING_USED } from "./headroom.ts";
import { type BatchId, type JobId, type TenantId, type WindowId, batchIdOf, customIdOf } from "./ids.ts";
import type { Instant } from "./instant.ts";
import type { IndexEntry } from "./job-record.ts";
import type { BatchLimits } from "./limits.ts";
import { cutToHeadroom } from "./planner-headroom.ts";
import { type DirectEntry, groupLanes, type GroupLanes, isPatient } from "./planner-lanes.ts";
import type { LaneSettings } from "./planner-terms.ts";
import { compareSources, compareUrgency, shareAmongTenants } from "./planner-order.ts";
import type { Provider } from "./vocabulary.ts";

export type PlanSettings = {
  readonly limits: Readonly<Record<Provider, BatchLimits>>;
  /** Jobs that make a batch worth its fixed cost. */
  readonly minBatchJobs: number;
  /**
   * Until so many milliseconds before its earliest due time a smaller group waits for company in any case. From then on it
   * goes into a batch, however small; where lanes are weighed, it goes on waiting while that is worth it.
   */
  readonly leadMs: number;
  /** Most jobs placed by one window. */
  readonly maxJobs: number;
  /** How lanes are weighed; without it every job waits for a batch. */
  readonly lanes?: LaneSettings;
  /** What accounts may have in their batch queues; without it there is no limit. */
  readonly headroom?: HeadroomLimits;
};

export type PlannedGroup = {
  readonly batchId: BatchId;
  readonly group: Group;
  /** In the order of the segments, so that writing the batch reads each segment once, forwards. */
  readonly entries: readonly IndexEntry[];
  /** Why it is made as it is, in words the operator reads. */
  readonly reason: string;
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
  /** Tenants' weights where something is scarce; 1 for those that are left out. */
  readonly weights?: ReadonlyMap<TenantId, number>;
  /** How long batches take, by `queueKey`; the prior for those that are left out. */
  readonly doneWithin?: ReadonlyMap<string, DoneWithin>;
  /** What the accounts' batch queues hold already; nothing where it is left out. */
  readonly used?: HeadroomUsed;
};

export type Plan = {
  readonly batches: readonly PlannedGroup[];
  /** Entries that are to run in a direct lane now. */
  readonly direct: readonly DirectEntry[];
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
 * Which jobs go into which batches, which into a direct lane, and which wait for the next window. Loses none, repeats none
 * (the same attempt listed twice is placed once: a provider fails a whole batch over a repeated `custom_id`), keeps every
 * limit, and gives the same plan for the same input. A group is written when it is large enough to be worth a batch, when
 * its due times demand it, or when it is a cohort of its own. What is scarce (jobs of a window, tokens and batches of an
 * account) is shared among tenants by weight.
 */
export function planWindow(
  windowId: WindowId,
  entries: readonly IndexEntry[],
  circumstances: PlanCircumstances,
  settings: PlanSettings,
  now: Instant,
): Plan {
  const { dedicated, heldAccounts, unpriced, over, used = NOTHING_USED } = circumstances;
  const wanted = latestAttempts(entries).filter((entry) => !over.has(attemptOf(entry)));
  const expired = wanted.filter(({ due }) => now >= due + EXPIRES_AFTER_DUE_MS);
  const mustWait = ({ notBefore = 0, group }: IndexEntry) =>
    notBefore > now || heldAccounts.has(group.account) || unpriced.has(group.model);
  const standing = wanted.filter(({ due }) => now < due + EXPIRES_AFTER_DUE_MS);
  const byUrgency = standing.filter((entry) => !mustWait(entry)).toSorted(compareUrgency);
  const { taken, left } = shareAmongTenants(byUrgency, () => 1, settings.maxJobs, circumstances.weights);
  const carried = [...standing.filter(mustWait), ...left];
  const direct: DirectEntry[] = [];
  const decided = [...groupEntries(taken, dedicated, settings, now)].map(([key, { group, members }]) => {
    const lanes =
      settings.lanes && groupLanes(group, circumstances.doneWithin ?? new Map(), settings.lanes, now);
    const { forBatch, reason, ...rest } = decideGroup(members, lanes, settings, now);
    direct.push(...rest.direct);
    carried.push(...rest.waiting);
    return { key, group, lanes, members: forBatch, reason };
  });
  const leaveOut = (members: readonly IndexEntry[], lanes: GroupLanes | undefined) => {
    const rest = lanes?.withoutRoom(members) ?? { direct: [], waiting: members };
    direct.push(...rest.direct);
    carried.push(...rest.waiting);
  };
  const inRoom = cutToHeadroom(decided, settings, used, circumstances.weights);
  const batches: PlannedGroup[] = [];
  const made = new Map<string, number>();
  for (const { key, group, lanes, members, reason, leftOut } of inRoom) {
    leaveOut(leftOut, lanes);
    for (const chunk of splitAtLimits(members, settings.limits[group.provider])) {
      const ofAccount = made.get(group.account) ?? 0;
      if (batches.length >= MAX_WINDOW_BATCHES || ofAccount >= batchesLeft(group, settings.headroom, used)) {
        leaveOut(chunk, lanes);
        continue;
      }
      made.set(group.account, ofAccount + 1);
      batches.push({
        batchId: batchIdOf(windowId, key, batches.length),
        group,
        entries: chunk.toSorted(compareSources),
        reason: `${chunk.length} jobs, ${reason}`,
      });
    }
  }
  return { batches, direct, carried, expired };
}

/** Which members of a group go, and how. Members are ordered by due time. */
function decideGroup(
  members: readonly IndexEntry[],
  lanes: GroupLanes | undefined,
  { minBatchJobs, leadMs }: PlanSettings,
  now: Instant,
): ReturnType<GroupLanes["decide"]> {
  const isCohort = members[0]?.cohort !== undefined;
  const isSmall = !isCohort && members.length < minBatchJobs;
  if (isSmall && now < (members[0]?.due ?? Infinity) - leadMs)
    return { forBatch: [], direct: [], waiting: members, reason: "" };
  if (lanes) return lanes.decide(members, { isCohort, minBatchJobs });
  const reason = isSmall ? "few, but due before long" : "enough for a batch";
  return { forBatch: members, direct: [], waiting: [], reason };
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

type Members = { readonly group: Group; readonly members: IndexEntry[] };

function groupEntries(
  entries: readonly IndexEntry[],
  dedicated: ReadonlySet<TenantId>,
  { lanes, minBatchJobs }: PlanSettings,
  now: Instant,
): Map<string, Members> {
  const groups = new Map<string, Members>();
  // Where every group goes at once, however small, none is made smaller.
  const splits = minBatchJobs > 1;
  for (const entry of entries) {
    const group =
      entry.group.isolation === SHARED && dedicated.has(entry.tenantId)
        ? { ...entry.group, isolation: dedicatedTo(entry.tenantId) }
        : entry.group;
    const shared = entry.cohort === undefined ? groupKey(group) : `${groupKey(group)}|${entry.cohort}`;
    const waitsLonger = splits && lanes && entry.cohort === undefined && isPatient(entry, lanes, now);
    const key = waitsLonger ? `${shared}|patient` : shared;
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
