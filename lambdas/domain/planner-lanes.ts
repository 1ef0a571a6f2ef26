import { batchOutlook, chooseLane, costOfWaiting, type LaneChoice, type LaneOffer } from "./choose-lane.ts";
import type { DoneWithin } from "./completion-times.ts";
import type { Group } from "./group.ts";
import type { Instant } from "./instant.ts";
import type { IndexEntry } from "./job-record.ts";
import { type GroupTerms, type LaneSettings, termsOf } from "./planner-terms.ts";
import type { DirectLane } from "./vocabulary.ts";

/** Jobs due later than that do not share a batch with those due sooner: it would go on, and bill those that had to leave. */
const SOON_MS = 4 * 3_600_000;

/** What one window more brings a group that waits for company, as a share of the fixed cost. */
const COMPANY_GAIN = 1 / 6;

/** After so many rounds, whoever is left shares the batch. */
const SMALL_ROUNDS = 8;

/** How the members of one group go. */
type GroupDecision = {
  readonly forBatch: readonly IndexEntry[];
  readonly direct: readonly DirectEntry[];
  readonly waiting: readonly IndexEntry[];
  /** Why the batch is made, in words the operator reads. */
  readonly reason: string;
};

/** A waiting job that a window sends to a direct lane. */
export type DirectEntry = {
  readonly entry: IndexEntry;
  readonly choice: LaneChoice & { readonly lane: DirectLane };
};

/** The choices of one group in one window. Members are ordered by due time. */
export type GroupLanes = {
  readonly decide: (
    members: readonly IndexEntry[],
    as: { readonly isCohort: boolean; readonly minBatchJobs: number },
  ) => GroupDecision;
  /** For members that find no room in a batch: which wait, and which go to a direct lane. */
  readonly withoutRoom: (members: readonly IndexEntry[]) => Pick<GroupDecision, "direct" | "waiting">;
};

/** Whether a job is due so late that it waits for batches of its like. */
export function isPatient({ due }: Pick<IndexEntry, "due">, lanes: LaneSettings, now: Instant): boolean {
  return due >= now + SOON_MS * lanes.timeFactor;
}

/** The lanes of a group whose model has a price in the lanes batch and sync; undefined for another. */
export function groupLanes(
  group: Group,
  estimates: ReadonlyMap<string, DoneWithin>,
  lanes: LaneSettings,
  now: Instant,
): GroupLanes | undefined {
  const terms = termsOf(group, estimates, lanes, now);
  if (terms === undefined) return undefined;
  // A window may be late, or fail once: what waits must have time for the one after the next.
  const nextLook = now + 2 * lanes.windowMs;
  const offer = (backlog: number, fields: Partial<LaneOffer> = {}): LaneOffer => ({
    now,
    backlog,
    fixedPicoUsd: 0,
    fits: true,
    nextLook,
    ...fields,
  });
  const choose = (members: readonly IndexEntry[], fields: Partial<LaneOffer>) =>
    members.map((entry, number) => chooseLane(laneJob(entry), terms, offer(number + 1, fields)));
  const decideEnough = (members: readonly IndexEntry[]) => sorted(members, choose(members, {}));
  const decideFew = (members: readonly IndexEntry[]): GroupDecision => {
    const choices = choose(members, {});
    const late = members.filter((_entry, number) => choices[number] && isLate(choices[number]));
    const left = members.filter((_entry, number) => !choices[number] || !isLate(choices[number]));
    const { direct } = sorted(late, choices.filter(isLate));
    if (isWorthWaiting(left, terms, offer, nextLook))
      return { forBatch: [], direct, waiting: left, reason: "" };
    return joined({ direct }, decideSmall(left, terms, offer, nextLook));
  };
  return {
    decide: (members, { isCohort, minBatchJobs }) => {
      if (isCohort) return decideCohort(members, terms, offer, now);
      if (members.length < minBatchJobs) return decideFew(members);
      const decided = decideEnough(members);
      if (decided.forBatch.length >= minBatchJobs || decided.direct.length === 0) return decided;
      return joined(decided, decideFew(decided.forBatch));
    },
    withoutRoom: (members) => sorted(members, choose(members, { fits: false })),
  };
}

/** Whether a job goes to a direct lane because nothing is in time: it has nothing to wait for. */
function isLate({ isInTime, lane }: LaneChoice): boolean {
  return !isInTime && lane !== "batch";
}

type OfferOf = (backlog: number, fields?: Partial<LaneOffer>) => LaneOffer;

/**
 * What is left of a batch that failed goes into one of its own, which finds the fault; but what is due before that could
 * end is called directly while there is time, which shows the fault as well.
 */
function decideCohort(
  members: readonly IndexEntry[],
  terms: GroupTerms,
  offer: OfferOf,
  now: Instant,
): GroupDecision {
  const choices = members.map((entry, number): LaneChoice => {
    const choice = chooseLane(laneJob(entry), terms, offer(number + 1));
    const stays = !choice.isInTime || batchOutlook(laneJob(entry), terms, now, number + 1).isInTime;
    return stays ? { ...choice, lane: "batch", isNow: true } : choice;
  });
  return { ...sorted(members, choices), reason: "what is left of a batch that failed" };
}

/** Whether company would save more of the fixed cost than the later start is expected to cost, for all of them together. */
function isWorthWaiting(
  members: readonly IndexEntry[],
  terms: GroupTerms,
  offer: OfferOf,
  nextLook: Instant,
): boolean {
  const fixedPicoUsd = terms.batchFixedPicoUsd / members.length;
  let added = 0;
  for (const [number, entry] of members.entries()) {
    const job = laneJob(entry);
    const standing = offer(number + 1, { fixedPicoUsd });
    const choice = chooseLane(job, terms, standing);
    // One that is late already gains nothing by waiting.
    if (!choice.isInTime) return false;
    added += costOfWaiting(job, terms, standing, nextLook) - choice.expectedPicoUsd;
    if (added > terms.batchFixedPicoUsd * COMPANY_GAIN) return false;
  }
  return true;
}

/**
 * A group that acts now though it is small: each member pays its part of what the batch costs us, and who finds that too
 * much waits if nothing is lost by it, or goes to a direct lane. The fewer are left, the more each pays.
 */
function decideSmall(
  members: readonly IndexEntry[],
  terms: GroupTerms,
  offer: OfferOf,
  nextLook: Instant,
): GroupDecision {
  const direct: DirectEntry[] = [];
  const waiting: IndexEntry[] = [];
  let left = members;
  for (let round = 0; round < SMALL_ROUNDS; round += 1) {
    const fixedPicoUsd = terms.batchFixedPicoUsd / Math.max(1, left.length);
    const choices = left.map((entry, number) =>
      chooseLane(laneJob(entry), terms, offer(number + 1, { fixedPicoUsd })),
    );
    const decided = sorted(left, choices);
    if (decided.direct.length === 0) return joined({ direct, waiting }, decided);
    for (const one of decided.direct) {
      const later = costOfWaiting(laneJob(one.entry), terms, offer(1, { fixedPicoUsd }), nextLook);
      if (later <= one.choice.expectedPicoUsd) waiting.push(one.entry);
      else direct.push(one);
    }
    waiting.push(...decided.waiting);
    left = decided.forBatch;
  }
  return { forBatch: left, direct, waiting, reason: "few jobs" };
}

/** One decision after another, of different members. */
function joined({ direct = [], waiting = [] }: Partial<GroupDecision>, then: GroupDecision): GroupDecision {
  return { ...then, direct: [...direct, ...then.direct], waiting: [...waiting, ...then.waiting] };
}

/** Members by what was chosen for each. */
function sorted(members: readonly IndexEntry[], choices: readonly LaneChoice[]): GroupDecision {
  const forBatch: IndexEntry[] = [];
  const direct: DirectEntry[] = [];
  const waiting: IndexEntry[] = [];
  let reason = "";
  for (const [number, entry] of members.entries()) {
    const choice = choices[number];
    if (choice === undefined) continue;
    const { lane, isNow } = choice;
    if (lane !== "batch") direct.push({ entry, choice: { ...choice, lane } });
    else if (isNow) {
      forBatch.push(entry);
      // The first is the one that is due first.
      reason ||= choice.reason;
    } else waiting.push(entry);
  }
  return { forBatch, direct, waiting, reason };
}

function laneJob({ due, tokens, outputTokens = 0 }: IndexEntry) {
  return { due, inputTokens: tokens, outputTokens };
}
