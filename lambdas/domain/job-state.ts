import { z } from "zod";
import { jobIdSchema, tenantIdSchema } from "./ids.ts";
import { sourceSchema } from "./job-record.ts";
import { endStatusSchema, laneSchema } from "./vocabulary.ts";

export const JOB_VERSION = 1;
/** Attempts a job has in one round; a message with `retry: true` begins another round. */
export const MAX_ATTEMPTS = 3;

const base = {
  version: z.literal(JOB_VERSION),
  tenantId: tenantIdSchema,
  jobId: jobIdSchema,
  requestHash: z.string(),
  /**
   * The SQS message whose claim began a direct job or opened a failed one again: its redelivery goes on with the job and
   * opens nothing twice. Null where no message matters.
   */
  messageId: z.string().nullable(),
  /** The admitted request; null while a direct job's only copy is its message. */
  source: sourceSchema.nullable(),
  lane: laneSchema,
  laneReason: z.string(),
  /** The current attempt, from 1, never reused: a provider sees it in `custom_id`. */
  attempt: z.number().int().positive(),
  /** The attempt that began the current round. */
  roundStart: z.number().int().positive(),
};

/** What a direct call is about to spend, written before the call: without an answer it becomes an `unconfirmed` entry. */
const callIntentSchema = z.object({ attempt: z.number().int().positive(), at: z.number() });

export const jobSchema = z.discriminatedUnion("state", [
  z.object({ ...base, state: z.literal("queued"), requeuedBy: z.string().nullable() }),
  z.object({
    ...base,
    state: z.literal("running"),
    leaseOwner: z.string(),
    leaseUntil: z.number(),
    intent: callIntentSchema,
  }),
  z.object({ ...base, state: z.literal("dead-lettered"), deadLetteredBy: z.string() }),
  z.object({
    ...base,
    state: z.literal("ended"),
    status: endStatusSchema,
    /** The settling step that ended the job: its re-run is recognised by it. */
    endedBy: z.string(),
    result: z.object({ key: z.string(), offset: z.number().int(), length: z.number().int() }),
    costPicoUsd: z.string(),
    producedAt: z.number(),
    effectiveUntil: z.number().nullable(),
    endedAt: z.number(),
  }),
]);
export type Job = z.infer<typeof jobSchema>;
type EndedJob = Extract<Job, { state: "ended" }>;
export type RunningJob = Extract<Job, { state: "running" }>;

type JobBase = Pick<
  Job,
  | "version"
  | "tenantId"
  | "jobId"
  | "requestHash"
  | "messageId"
  | "source"
  | "lane"
  | "laneReason"
  | "attempt"
  | "roundStart"
>;

/** A claim on a job that does not exist yet, for the batch lane or for a direct call. */
export type Claim = {
  readonly tenantId: Job["tenantId"];
  readonly jobId: Job["jobId"];
  readonly requestHash: string;
  readonly messageId: string | null;
  readonly source: Job["source"];
  readonly lane: Job["lane"];
  readonly laneReason: string;
  /** `retry: true` in the message: a failed end is opened again. */
  readonly retry: boolean;
};

export type ClaimOutcome =
  /** The job is ours to do, at this attempt. A repeat of the same claim gets the same answer. */
  | { readonly kind: "claimed"; readonly attempt: number }
  | { readonly kind: "duplicate"; readonly job: Job }
  | { readonly kind: "conflict"; readonly job: Job };

/** The end of a job as a settling step sees it. */
export type JobEnd = {
  readonly tenantId: Job["tenantId"];
  readonly jobId: Job["jobId"];
  readonly attempt: number;
  readonly endedBy: string;
  readonly status: EndedJob["status"];
  readonly result: EndedJob["result"];
  readonly costPicoUsd: string;
  readonly producedAt: number;
  readonly effectiveUntil: number | null;
  readonly endedAt: number;
};

/** `won` also on the re-run of the step that won; `lost` when the job ended otherwise or is at another attempt. */
export type TransitionOutcome = "won" | "lost";

function baseOf(job: JobBase): JobBase {
  const { version, tenantId, jobId, requestHash, messageId, source, lane, laneReason, attempt, roundStart } =
    job;
  return { version, tenantId, jobId, requestHash, messageId, source, lane, laneReason, attempt, roundStart };
}

function sameSource(a: Job["source"], b: Job["source"]): boolean {
  return a !== null && b !== null && a.key === b.key && a.line === b.line;
}

/** Whether `retry: true` opens this job again. */
function mayReopen(job: Job): job is EndedJob {
  return job.state === "ended" && job.status !== "succeeded";
}

/**
 * What a batch-lane claim meets. The conditional write: put when nothing is there (or, for a retry, when what is there
 * ended without success and is still at the attempt we read).
 */
export function decideClaim(current: Job | undefined, claim: Claim): ClaimOutcome & { readonly next?: Job } {
  if (current === undefined) {
    return { kind: "claimed", attempt: 1, next: queuedJob(claim, 1) };
  }
  if (current.requestHash !== claim.requestHash) return { kind: "conflict", job: current };
  if (
    current.state === "queued" &&
    sameSource(current.source, claim.source) &&
    current.attempt === current.roundStart
  ) {
    return { kind: "claimed", attempt: current.attempt };
  }
  if (claim.retry && mayReopen(current) && current.messageId !== claim.messageId) {
    return { kind: "claimed", attempt: current.attempt + 1, next: queuedJob(claim, current.attempt + 1) };
  }
  return { kind: "duplicate", job: current };
}

function queuedJob(claim: Claim, attempt: number): Job {
  const { retry: _retry, ...fields } = claim;
  return { version: JOB_VERSION, ...fields, attempt, roundStart: attempt, state: "queued", requeuedBy: null };
}

/** A success of any attempt ends a job; any other end counts only for the current attempt. */
export function decideEnd(
  current: Job | undefined,
  end: JobEnd,
): { readonly outcome: TransitionOutcome; readonly next?: Job } {
  if (current === undefined) return { outcome: "lost" };
  if (current.state === "ended") return { outcome: current.endedBy === end.endedBy ? "won" : "lost" };
  if (end.status !== "succeeded" && current.attempt !== end.attempt) return { outcome: "lost" };
  const { status, endedBy, result, costPicoUsd, producedAt, effectiveUntil, endedAt, attempt } = end;
  return {
    outcome: "won",
    next: {
      ...baseOf(current),
      attempt: Math.max(current.attempt, attempt),
      state: "ended",
      status,
      endedBy,
      result,
      costPicoUsd,
      producedAt,
      effectiveUntil,
      endedAt,
    },
  };
}

/** A step that moves a job on to its next attempt, or out to the dead letters, after `attempt` failed. */
export type JobMove = {
  readonly tenantId: Job["tenantId"];
  readonly jobId: Job["jobId"];
  readonly attempt: number;
  readonly by: string;
};

/** A dead letter must say where the request lies; a direct job's was only in its message until now. */
export type DeadLetterMove = JobMove & { readonly source: NonNullable<Job["source"]> };

/** Back to the queue at the next attempt, once: the re-run of the step that moved it is told `won` again. */
export function decideRequeue(
  current: Job | undefined,
  move: JobMove,
): { readonly outcome: TransitionOutcome; readonly next?: Job } {
  if (current?.state === "queued" && current.attempt === move.attempt + 1 && current.requeuedBy === move.by) {
    return { outcome: "won" };
  }
  if (current?.state !== "queued" || current.attempt !== move.attempt) return { outcome: "lost" };
  return {
    outcome: "won",
    next: { ...baseOf(current), attempt: move.attempt + 1, state: "queued", requeuedBy: move.by },
  };
}

/** Out to the dead letters after the last attempt of the round failed. */
export function decideDeadLetter(
  current: Job | undefined,
  move: DeadLetterMove,
): { readonly outcome: TransitionOutcome; readonly next?: Job } {
  if (current === undefined || current.state === "ended" || current.attempt !== move.attempt)
    return { outcome: "lost" };
  if (current.state === "dead-lettered")
    return { outcome: current.deadLetteredBy === move.by ? "won" : "lost" };
  return {
    outcome: "won",
    next: { ...baseOf(current), source: move.source, state: "dead-lettered", deadLetteredBy: move.by },
  };
}

/** A worker that wants to call the provider for a job directly. */
export type DirectLease = Omit<Claim, "retry"> & {
  readonly retry: boolean;
  readonly owner: string;
  readonly now: number;
  readonly leaseUntil: number;
};

export type LeaseOutcome =
  /**
   * Call now, as this attempt. `lost`: the attempt is another worker's, whose call was sent and never answered for; it is
   * to be accounted for before the owner asks again, for an attempt of its own.
   */
  | { readonly kind: "leased"; readonly job: RunningJob; readonly lost: RunningJob | null }
  | { readonly kind: "busy"; readonly job: Job }
  | { readonly kind: "duplicate"; readonly job: Job }
  | { readonly kind: "conflict"; readonly job: Job };

/**
 * Whether a direct call may be made. A live lease of another worker is respected; an expired one is taken over with
 * its attempt and intent, reported as `lost`: whoever dies before it is accounted for leaves it to the next. The owner of the
 * lease itself goes on to its next attempt when it asks again: its last call was answered or accounted for. Jobs waiting
 * for a batch are not touched here unless their source is named: that is a run request.
 */
export function decideLease(current: Job | undefined, lease: DirectLease): LeaseOutcome {
  if (current === undefined) return { kind: "leased", job: runningJob(lease, 1, 1), lost: null };
  if (current.requestHash !== lease.requestHash) return { kind: "conflict", job: current };
  switch (current.state) {
    case "ended":
      return lease.retry && mayReopen(current) && current.messageId !== lease.messageId
        ? { kind: "leased", job: runningJob(lease, current.attempt + 1, current.attempt + 1), lost: null }
        : { kind: "duplicate", job: current };
    case "running":
      if (current.leaseOwner === lease.owner) {
        return {
          kind: "leased",
          job: runningJob(
            { ...begunBy(current, lease), source: current.source },
            current.attempt + 1,
            current.roundStart,
          ),
          lost: null,
        };
      }
      // Only what began it may take it over: another copy may carry other tags, and the ledger holds those of the first.
      if (current.messageId !== lease.messageId && !sameSource(current.source, lease.source))
        return { kind: "duplicate", job: current };
      if (current.leaseUntil > lease.now) return { kind: "busy", job: current };
      return {
        kind: "leased",
        job: { ...current, leaseOwner: lease.owner, leaseUntil: lease.leaseUntil },
        lost: current,
      };
    case "queued":
      // The claim of a run request's own segment line: this is its first call.
      return sameSource(current.source, lease.source)
        ? {
            kind: "leased",
            job: runningJob(begunBy(current, lease), current.attempt, current.roundStart),
            lost: null,
          }
        : { kind: "duplicate", job: current };
    case "dead-lettered":
      return sameSource(current.source, lease.source)
        ? {
            kind: "leased",
            job: runningJob(begunBy(current, lease), current.attempt + 1, current.attempt + 1),
            lost: null,
          }
        : { kind: "duplicate", job: current };
  }
}

/** A run request is no message: the job stays the one of the message that began it or opened it again. */
function begunBy(current: Job, lease: DirectLease): DirectLease {
  return { ...lease, messageId: lease.messageId ?? current.messageId };
}

function runningJob(lease: DirectLease, attempt: number, roundStart: number): RunningJob {
  const { tenantId, jobId, requestHash, messageId, source, lane, laneReason } = lease;
  return {
    version: JOB_VERSION,
    tenantId,
    jobId,
    requestHash,
    messageId,
    source,
    lane,
    laneReason,
    attempt,
    roundStart,
    state: "running",
    leaseOwner: lease.owner,
    leaseUntil: lease.leaseUntil,
    intent: { attempt, at: lease.now },
  };
}
