import { FAILURE_TABLE, type PolicyRow } from "./failure-table.ts";
import { MAX_ATTEMPTS } from "./job-state.ts";

type Row = (typeof FAILURE_TABLE)[number];
type SeenAt<Where extends Row["where"]> = Extract<Row, { readonly where: Where }>["seen"];

/** What a line of a batch's output can say. */
export type LineSeen = SeenAt<"line">;
/** What can be seen of a batch as a whole, or of its output, that decides about its requests. */
export type BatchSeen = SeenAt<"batch" | "output">;
/** What can come of a direct call. */
export type CallSeen = SeenAt<"call">;

type Outcomes = "answered" | "refused-answer" | "truncated-answer";
/** Why an attempt in a batch has no answer. */
export type BatchFailure = Exclude<LineSeen | BatchSeen, Outcomes>;
/** Why a direct call has none. */
export type CallFailure = Exclude<CallSeen, Outcomes>;

const ROWS: ReadonlyMap<string, PolicyRow> = new Map(
  FAILURE_TABLE.map((row) => [`${row.where === "call" ? "call" : "batch"} ${row.seen}`, row]),
);

/** The row of what was seen on a batch, its output or one of its lines: their names do not repeat. */
export function batchPolicy(seen: LineSeen | BatchSeen): PolicyRow {
  return found(`batch ${seen}`);
}

export function callPolicy(seen: CallSeen): PolicyRow {
  return found(`call ${seen}`);
}

/** Our words for something that the provider has none for. */
export function ownWords(seen: LineSeen | BatchSeen): { readonly code: string; readonly message: string } {
  const { tells, why } = batchPolicy(seen);
  return tells ?? { code: seen.replaceAll("-", "_"), message: why };
}

function found(key: string): PolicyRow {
  const row = ROWS.get(key);
  if (row === undefined) throw new Error(`the failure table has no row for ${key}`);
  return row;
}

/** The attempt that failed, and the batch it failed in. */
export type FailedAttempt = {
  readonly attempt: number;
  readonly roundStart: number;
  /** Requests of the batch. */
  readonly requests: number;
};

export type BatchDecision =
  | { readonly kind: "fail" | "dead-letter" | "alone" | "none" }
  | {
      readonly kind: "next-batch";
      readonly counts: boolean;
      /** Milliseconds after the batch's end. */
      readonly backOffMs: number;
      readonly halve: boolean;
    };

export const LONGEST_BACK_OFF_SECONDS = 3600;

/**
 * What becomes of a job whose attempt in a batch failed. Attempts that count are limited: after the last of the round the
 * job goes to the dead letters, from where it is run once more, alone. A half of one request cannot be halved again:
 * calling it directly shows whether it is the one.
 */
export function decideBatchFailure(seen: BatchFailure, failed: FailedAttempt): BatchDecision {
  const row = batchPolicy(seen);
  if (row.action === "fail" || row.action === "none") return { kind: row.action };
  const single = row.halve && failed.requests === 1;
  if ((row.counts || single) && isLastAttempt(failed)) return { kind: "dead-letter" };
  if (row.action === "alone" || single) return { kind: "alone" };
  const doubled = row.backOffSeconds * 2 ** (failed.attempt - failed.roundStart);
  return {
    kind: "next-batch",
    counts: row.counts,
    backOffMs: Math.min(doubled, LONGEST_BACK_OFF_SECONDS) * 1000,
    halve: row.halve,
  };
}

function isLastAttempt({ attempt, roundStart }: Omit<FailedAttempt, "requests">): boolean {
  return attempt - roundStart + 1 >= MAX_ATTEMPTS;
}

export type CallDecision = { readonly kind: "fail" | "dead-letter" | "again" };

type CallCircumstances = {
  /** The job comes from the dead letters already. */
  readonly last: boolean;
  /** Nobody can want an answer any more. */
  readonly isOverdue: boolean;
  /** An earlier call of the round failed over something that ends no job, or may have. */
  readonly isSpared: boolean;
};

/**
 * What becomes of a direct job whose call failed: called again at once until its attempts are used up, then put among the
 * dead letters. From there it comes once, and ends; but not after a round that met what is the operator's to mend, until
 * it is long overdue.
 */
export function decideCallFailure(
  seen: CallFailure,
  failed: Omit<FailedAttempt, "requests">,
  { last, isOverdue, isSpared }: CallCircumstances,
): CallDecision {
  const row = callPolicy(seen);
  if (row.action === "fail") return { kind: "fail" };
  if (!row.counts || !isLastAttempt(failed)) return { kind: "again" };
  const mayEnd = (row.endsJob && !isSpared) || isOverdue;
  return { kind: last && mayEnd ? "fail" : "dead-letter" };
}

/** Whether an answer with this status may be better next time: time-out, conflict, rate limit, the provider's own errors. */
export function isRetryableStatus(statusCode: number): boolean {
  return statusCode === 408 || statusCode === 409 || statusCode === 429 || statusCode >= 500;
}
