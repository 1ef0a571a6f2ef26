import { z } from "zod";
import { costOf } from "./cost.ts";
import type { Instant } from "./instant.ts";
import type { JobId, SegmentId } from "./ids.ts";
import type { JobHeader } from "./job-record.ts";
import type { Job } from "./job-state.ts";
import type { PicoUsd } from "./money.ts";
import { findPrice } from "./prices.ts";
import { NO_USAGE } from "./usage.ts";

/** Of the budget, from where on the operator is told. */
const WARNED_PERCENT = 80n;
export const WARNED_SHARE = Number(WARNED_PERCENT) / 100;
/**
 * Reservations of a day that may be open at once: the day is one item, which DynamoDB limits to 400 KB, and each takes
 * about 100 bytes. A day that holds so many is treated as full.
 */
const MOST_CHUNKS = 3000;

/** Pico-dollars as a stored record carries them. */
const amount = z.string().regex(/^\d{1,30}$/);

const chunkSchema = z.object({
  /** Reserved for jobs that have not ended. */
  left: amount,
  /** Cost of its jobs that have. */
  spent: amount,
  /** When it was reserved. */
  at: z.number(),
});

/**
 * One tenant's budget of one UTC day. All that is reserved stands in this one record, so that a reservation is one
 * conditional write and the sum can never drift: chunks whose jobs have all ended are taken out and their cost is kept in
 * `settled`.
 */
export const budgetDaySchema = z.object({
  version: z.literal(1),
  settled: amount,
  /** By the name of what reserved: a segment, or one direct job. */
  chunks: z.record(z.string(), chunkSchema),
  /** Whether the operator was told that most of it is used. */
  warned: z.boolean(),
});
export type BudgetDay = z.infer<typeof budgetDaySchema>;

export const NO_SPENDING: BudgetDay = { version: 1, settled: "0", chunks: {}, warned: false };

/** What some jobs of one tenant reserve together. */
export type Reservation = {
  readonly chunk: string;
  /** For each job, the most that it is estimated to cost. */
  readonly amounts: readonly PicoUsd[];
  readonly budget: PicoUsd;
  readonly at: Instant;
};

export type Reserved = {
  /** For each job, whether it has its amount. */
  readonly granted: readonly boolean[];
  /** The used share of the budget (1: all of it) where this reservation was the first to pass the warning's line. */
  readonly warning: number | null;
};

/** What a chunk comes to as its jobs end. */
export type ChunkState = { readonly left: PicoUsd; readonly spent: PicoUsd };

/** What counts against a day's budget: the cost of the jobs that have ended and what is reserved for the others. */
export function usedOf({ settled, chunks }: BudgetDay): {
  readonly spent: PicoUsd;
  readonly reserved: PicoUsd;
} {
  let spent = BigInt(settled);
  let reserved = 0n;
  for (const chunk of Object.values(chunks)) {
    spent += BigInt(chunk.spent);
    reserved += BigInt(chunk.left);
  }
  return { spent, reserved };
}

/**
 * Reserves for each job that still fits, in the order given: what is used never passes the budget here. A chunk that has
 * reserved before keeps that, and its repeat is granted no more.
 */
export function decideReserve(
  current: BudgetDay | undefined,
  { chunk, amounts, budget, at }: Reservation,
): { readonly reserved: Reserved; readonly next?: BudgetDay } {
  const day = current ?? NO_SPENDING;
  const standing = Object.hasOwn(day.chunks, chunk) ? day.chunks[chunk] : undefined;
  if (standing !== undefined)
    return { reserved: { granted: grant(amounts, BigInt(standing.left)).granted, warning: null } };
  const used = usedOf(day);
  const total = used.spent + used.reserved;
  const room = Object.keys(day.chunks).length < MOST_CHUNKS ? budget - total : 0n;
  const { granted, taken } = grant(amounts, room);
  if (taken === 0n) return { reserved: { granted, warning: null } };
  const warns = !day.warned && (total + taken) * 100n >= budget * WARNED_PERCENT;
  const chunks = { ...day.chunks, [chunk]: { left: taken.toString(), spent: "0", at } };
  return {
    reserved: { granted, warning: warns ? shareOf(total + taken, budget) : null },
    next: { ...day, chunks, warned: day.warned || warns },
  };
}

function grant(amounts: readonly PicoUsd[], room: PicoUsd) {
  let taken = 0n;
  const granted = amounts.map((wanted) => {
    if (taken + wanted > room) return false;
    taken += wanted;
    return true;
  });
  return { granted, taken };
}

/**
 * Lowers a chunk to what its jobs have left, as somebody saw them. Jobs only ever end, so of two that saw different states
 * the one that saw more ended is right, whichever writes last; a chunk with nothing left is taken out for good.
 */
export function decideSettle(
  current: BudgetDay | undefined,
  chunk: string,
  state: ChunkState,
): { readonly next?: BudgetDay } {
  if (current === undefined || !Object.hasOwn(current.chunks, chunk)) return {};
  const { [chunk]: standing, ...others } = current.chunks;
  if (standing === undefined) return {};
  const left = least(BigInt(standing.left), state.left);
  const spent = most(BigInt(standing.spent), state.spent);
  if (left === 0n) {
    return { next: { ...current, chunks: others, settled: (BigInt(current.settled) + spent).toString() } };
  }
  if (left === BigInt(standing.left) && spent === BigInt(standing.spent)) return {};
  const lowered = { ...standing, left: left.toString(), spent: spent.toString() };
  return { next: { ...current, chunks: { ...others, [chunk]: lowered } } };
}

const DIRECT = "direct#";

/** The chunk of a job that no segment holds: of this message's run of it, so that a redelivery finds its own again. */
export function directChunk(jobId: JobId, messageId: string): string {
  return `${DIRECT}${jobId}#${messageId}`;
}

/** What reserved a chunk. A segment's chunk has the segment's own name. */
export function chunkOwner(
  chunk: string,
):
  | { readonly kind: "direct"; readonly jobId: JobId; readonly messageId: string }
  | { readonly kind: "segment"; readonly segmentId: SegmentId } {
  if (!chunk.startsWith(DIRECT)) return { kind: "segment", segmentId: chunk as SegmentId };
  const [jobId = "", ...messageId] = chunk.slice(DIRECT.length).split("#");
  return { kind: "direct", jobId: jobId as JobId, messageId: messageId.join("#") };
}

/**
 * A worker that reserved for a job and did not claim it within this time is dead, and nobody else will claim it as that
 * job: until then it may be about to, also where another has the job now.
 */
const CLAIMED_WITHIN_MS = 60 * 60_000;

/**
 * What a job makes of what was reserved for it. `own`: the job as it is now, where it is the one that reserved; undefined
 * where it is not there, or is another's, who reserved for it themselves. `age` of the reservation in milliseconds.
 */
export function jobState(own: Job | undefined, reserved: PicoUsd, age: number): ChunkState {
  if (own === undefined) return { left: age < CLAIMED_WITHIN_MS ? reserved : 0n, spent: 0n };
  if (own.state !== "ended") return { left: reserved, spent: 0n };
  return { left: 0n, spent: most(0n, BigInt(own.costPicoUsd)) };
}

/** Used of a budget, for people: 1 is all of it. */
export function shareOf(used: PicoUsd, budget: PicoUsd): number {
  return budget === 0n ? 1 : Number((used * 10_000n) / budget) / 10_000;
}

/** A policy's budget in pico-dollars. */
export function budgetOf(dailyBudgetMicroUsd: number): PicoUsd {
  return BigInt(Math.round(dailyBudgetMicroUsd * 1_000_000));
}

/**
 * What a job reserves: its estimated tokens at the price of a call at once, the dearest lane it can end in; what a hedge
 * costs on top is not in it. The answer counts with the request's own limit, or with an assumption where it sets none.
 */
export function reservedFor(
  { group, estimate }: Pick<JobHeader, "group" | "estimate">,
  at: Instant,
): PicoUsd {
  const price = findPrice(group.model, "sync", at);
  return price === undefined ? 0n : costOf({ ...NO_USAGE, ...estimate }, price);
}

function least(a: PicoUsd, b: PicoUsd): PicoUsd {
  return a < b ? a : b;
}

function most(a: PicoUsd, b: PicoUsd): PicoUsd {
  return a > b ? a : b;
}
