import type { DoneWithin } from "./completion-times.ts";
import { drainMs, type EscalationPace, stopOf } from "./cut-offs.ts";
import type { FlexAgain } from "./flex-again.ts";
import type { Instant } from "./instant.ts";
import { picoPerToken } from "./money.ts";
import type { PriceRow } from "./price-row.ts";
import type { DirectLane, Lane } from "./vocabulary.ts";

/** What the choice must know of a job. */
export type LaneJob = {
  readonly due: Instant;
  readonly inputTokens: number;
  readonly outputTokens: number;
};

/** Pico-dollars of one token in a lane, as a number: good for estimates, not for the ledger. */
type Rate = { readonly input: number; readonly output: number };

/** What a lane costs one model; a lane that is not sold for it is left out. */
export type LaneRates = { readonly batch: Rate; readonly sync: Rate; readonly flex?: Rate };

/** What is alike for all jobs of one model in one window. */
export type LaneTerms = {
  readonly rates: LaneRates;
  readonly doneWithin: DoneWithin;
  /** Milliseconds until what is planned now is at the provider. */
  readonly startMs: number;
  /** The chance, from 0 to 1, that a flex call is refused for want of capacity. */
  readonly flexRefusal: number;
  /** Sync takes a job that was refused so often, or has no time for another try. */
  readonly flexAgain: FlexAgain;
  /** Pico-dollars that our side pays while one flex call is waited for. */
  readonly flexWaitPicoUsd: number;
  /** The share of a late batch's price that is billed all the same: lines that were done when it was left. */
  readonly lateBilled: number;
  readonly pace: EscalationPace;
};

/** How things stand for one job at one moment. */
export type LaneOffer = {
  readonly now: Instant;
  /** Jobs that are due no later, itself among them: a faster lane would have to take them all. */
  readonly backlog: number;
  /** Its part of what a batch costs us whatever it holds, in pico-dollars. */
  readonly fixedPicoUsd: number;
  /** Whether there is room for it in the account's batches now. */
  readonly fits: boolean;
  /** When the next window looks at it again; Infinity when it cannot wait for that. */
  readonly nextLook: Instant;
};

export type LaneChoice = {
  readonly lane: Lane;
  /** Whether it goes now, or waits for the next window to be put into a batch. */
  readonly isNow: boolean;
  /** Whether the lane can be expected to answer by the due time. */
  readonly isInTime: boolean;
  /** Pico-dollars it is expected to cost, with what a late batch or a refusal would add. */
  readonly expectedPicoUsd: number;
  /** In words the operator reads. */
  readonly reason: string;
};

/** The rates of a model's price rows. */
export function ratesOf(batch: PriceRow, sync: PriceRow, flex: PriceRow | undefined): LaneRates {
  return { batch: rate(batch), sync: rate(sync), ...(flex && { flex: rate(flex) }) };
}

function rate({ input, output }: PriceRow): Rate {
  return { input: Number(picoPerToken(input)), output: Number(picoPerToken(output)) };
}

/** What the job's tokens cost in a lane, in pico-dollars. */
export function tokenCost({ inputTokens, outputTokens }: LaneJob, { input, output }: Rate): number {
  return inputTokens * input + outputTokens * output;
}

/**
 * The cheapest lane that is still in time, counted with what follows when it fails: a batch that is late is left for a
 * direct lane, a refused flex call goes on as sync. A batch is in time while it could still be left in time; a lane that
 * cannot make the due time is taken only when none can, and then the quickest.
 */
export function chooseLane(job: LaneJob, terms: LaneTerms, offer: LaneOffer): LaneChoice {
  const batch = batchOutlook(job, terms, offer.now, offer.backlog);
  const flex = flexOf(job, terms, offer);
  const sync = syncOf(job, terms, offer);
  const inTime: LaneChoice[] = [];
  if (batch.isInTime) {
    const expectedPicoUsd = batch.expectedPicoUsd + offer.fixedPicoUsd;
    if (offer.fits) inTime.push({ ...IN_BATCH, expectedPicoUsd, reason: lateWords("late with", batch.late) });
  }
  // Without room now there may be some by the next window, for what can wait so long.
  if (!offer.fits && offer.nextLook < Infinity) {
    const later = batchOutlook(job, terms, offer.nextLook, offer.backlog);
    const expectedPicoUsd = later.expectedPicoUsd + offer.fixedPicoUsd;
    if (later.isInTime)
      inTime.push({ ...IN_BATCH, isNow: false, expectedPicoUsd, reason: "waits for room in a batch" });
  }
  if (flex?.isInTime) inTime.push(flex);
  if (sync.isInTime) inTime.push(sync);
  const cheapest = inTime.reduce<LaneChoice | undefined>(
    (best, one) => (best === undefined || one.expectedPicoUsd < best.expectedPicoUsd ? one : best),
    undefined,
  );
  if (cheapest === undefined) return quickest(job, terms, offer, batch, sync);
  if (cheapest.lane === "batch") return cheapest;
  return { ...cheapest, reason: directReason(cheapest.lane, job, terms, offer, batch) };
}

/**
 * What the job is expected to cost if it is looked at again at `at` only: the cheapest lane that is in time then. Infinity
 * when none will be.
 */
export function costOfWaiting(job: LaneJob, terms: LaneTerms, offer: LaneOffer, at: Instant): number {
  const choice = chooseLane(job, terms, { ...offer, now: at, nextLook: Infinity });
  return choice.isInTime ? choice.expectedPicoUsd : Infinity;
}

/** A batch that is more likely late than this saves little, and keeps whoever waits for it waiting: none is begun. */
const MOST_LATE = 0.5;

const IN_BATCH = { lane: "batch", isNow: true, isInTime: true } as const;

/** What a batch means for one job: the chance that it is late, and the expected cost in pico-dollars. */
type BatchOutlook = {
  readonly late: number;
  readonly expectedPicoUsd: number;
  /** Whether it could still be left in time. */
  readonly isReachable: boolean;
  readonly isInTime: boolean;
};

/** What a batch planned at `at` comes to for a job: as `cutOffsOf` has it, its jobs leave it for flex, or sync where that is too late. */
export function batchOutlook(job: LaneJob, terms: LaneTerms, at: Instant, backlog: number): BatchOutlook {
  const { rates, pace, doneWithin, startMs } = terms;
  const price = tokenCost(job, rates.batch);
  const latest = (lane: DirectLane) => job.due - drainMs(backlog, pace) - pace.marginMs - pace.callMs[lane];
  const half = at + (job.due - at) / 2;
  const canFlex = rates.flex !== undefined && latest("flex") >= half;
  const cutOff = canFlex ? latest("flex") : latest("sync");
  const sync = tokenCost(job, rates.sync);
  // Stopped in time, it keeps what it has done; else its jobs leave it, and what it does is paid for as well.
  const plan = { plannedAt: at, earliestDue: job.due, requests: backlog };
  const stop = stopOf(plan, pace, rates.flex !== undefined);
  const late = 1 - doneWithin((stop?.at ?? cutOff) - at - startMs);
  const isFlexNext = stop === null ? canFlex : stop.lane === "flex";
  const next = isFlexNext ? Math.min(flexCost(job, terms, pace.marginMs - pace.callMs.sync), sync) : sync;
  const { lateBilled } = terms;
  const ifLate = lateBilled * price + (stop === null ? next : (1 - lateBilled) * next);
  const expectedPicoUsd = (1 - late) * price + late * ifLate;
  const isReachable = latest("sync") >= half && cutOff > at + startMs;
  return { late, expectedPicoUsd, isReachable, isInTime: isReachable && late <= MOST_LATE };
}

/** With the chance of paying sync instead. `spareMs`: milliseconds in which flex may be tried again. */
function flexCost(job: LaneJob, terms: LaneTerms, spareMs: number): number {
  const { rates, flexRefusal, flexAgain, flexWaitPicoUsd } = terms;
  const sync = tokenCost(job, rates.sync);
  if (rates.flex === undefined) return sync;
  const again = Math.min(flexAgain.times, Math.max(0, Math.floor(spareMs / flexAgain.pauseMs)));
  const refused = flexRefusal ** (1 + again);
  return (1 - refused) * (tokenCost(job, rates.flex) + flexWaitPicoUsd) + refused * sync;
}

function flexOf(job: LaneJob, terms: LaneTerms, { now, backlog }: LaneOffer): LaneChoice | undefined {
  if (terms.rates.flex === undefined) return undefined;
  const { callMs } = terms.pace;
  const answeredBy = now + drainMs(backlog, terms.pace) + callMs.flex;
  const expectedPicoUsd = flexCost(job, terms, job.due - answeredBy - callMs.sync);
  const isInTime = answeredBy <= job.due;
  return { lane: "flex", isNow: true, isInTime, expectedPicoUsd, reason: "" };
}

function syncOf(job: LaneJob, terms: LaneTerms, { now, backlog }: LaneOffer): LaneChoice {
  const expectedPicoUsd = tokenCost(job, terms.rates.sync);
  const isInTime = now + drainMs(backlog, terms.pace) + terms.pace.callMs.sync <= job.due;
  return { lane: "sync", isNow: true, isInTime, expectedPicoUsd, reason: "" };
}

/** When nothing is in time: sync, but for what would wait longer for its turn there than most batches take. */
function quickest(
  job: LaneJob,
  { doneWithin, startMs, pace }: LaneTerms,
  { now, backlog, fits, fixedPicoUsd }: LaneOffer,
  batch: BatchOutlook,
  sync: LaneChoice,
): LaneChoice {
  const syncMs = drainMs(backlog, pace) + pace.callMs.sync;
  const words = job.due <= now ? "overdue" : "too late for every lane";
  if (fits && doneWithin(syncMs - startMs) >= 0.5)
    return {
      ...IN_BATCH,
      isInTime: false,
      expectedPicoUsd: batch.expectedPicoUsd + fixedPicoUsd,
      reason: `${words}: a batch is the quickest for so many`,
    };
  return { ...sync, reason: `${words}: sync is the quickest` };
}

function directReason(
  lane: Lane,
  job: LaneJob,
  { rates }: LaneTerms,
  { now, fits }: LaneOffer,
  batch: BatchOutlook,
): string {
  const flexSold = rates.flex === undefined ? ", and flex is not sold for its model" : "";
  if (!batch.isReachable)
    return `no batch is in time with ${minutes(job.due - now)} left: ${lane} is the cheapest that is`;
  if (!fits) return `no room in a batch before it is due: ${lane} is the cheapest in time`;
  if (batch.late < 0.005) return `too little company for a batch${flexSold}: ${lane} is cheaper`;
  return `${lateWords("a batch would be late with", batch.late)}${flexSold}: ${lane} is cheaper`;
}

function lateWords(before: string, late: number): string {
  return `${before} ${Math.round(late * 100)} %`;
}

function minutes(ms: number): string {
  return ms < 120_000 ? `${Math.max(0, Math.round(ms / 1000))} s` : `${Math.round(ms / 60_000)} min`;
}
