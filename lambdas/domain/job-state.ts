import { z } from "zod";
import { jobIdSchema, tenantIdSchema } from "./ids.ts";
import { sourceSchema } from "./job-record.ts";
import { directLaneSchema, endStatusSchema, laneSchema } from "./vocabulary.ts";

export const JOB_VERSION = 1;
/** Attempts a job has in one round; a message with `retry: true` begins another round. */
export const MAX_ATTEMPTS = 3;

/** The code of the requeue that takes a job out of a batch that would come too late. */
export const BATCH_LATE = "batch_late";

/** What a direct call is about to spend, written before the call: without an answer it becomes an `unconfirmed` entry. */
const callIntentSchema = z.object({
  attempt: z.number().int().positive(),
  at: z.number(),
  /** The lane it is called in; sync where it is left out. */
  lane: directLaneSchema.optional(),
  /** One of two calls for the same answer: the one that comes second is paid for on top. */
  hedged: z.boolean().optional(),
  /** Made because the job's batch would have come too late. */
  escalated: z.boolean().optional(),
});
export type CallIntent = z.infer<typeof callIntentSchema>;

/** A direct call that may have been billed: `until` is when its worker is surely dead, the rest who asked for it. */
const openCallSchema = callIntentSchema.extend({
  until: z.number(),
  messageId: z.string().nullable(),
  source: sourceSchema.nullable(),
});
export type OpenCall = z.infer<typeof openCallSchema>;

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
  /** The attempt from which the current round's attempts count: it moves on with an attempt that does not count. */
  roundStart: z.number().int().positive(),
  /** When SQS took the message that began the current round: what was sent before it no longer concerns the job. */
  roundAt: z.number().default(0),
  /** The latest attempts that failed, oldest first: when, by which step, and the code of the reason. */
  story: z
    .array(z.object({ attempt: z.number().int(), at: z.number(), by: z.string(), code: z.string() }))
    .default([]),
  /**
   * Direct calls that were under way when another step ended the job (a cancel, or the answer of a batch), or when their
   * own worker made a second one. Whoever asked for such a call still has to account for it.
   */
  openCalls: z.array(openCallSchema).optional(),
  /** The latest lanes, oldest first, once there was more than one: see lanesOf. */
  lanes: z
    .array(z.object({ attempt: z.number().int(), lane: laneSchema, reason: z.string(), at: z.number() }))
    .optional(),
  /**
   * The first attempt since the job left a batch that would have come too late: what calls cost above the batch is premium,
   * up to the attempt with which the job was opened again.
   */
  escalated: z
    .object({ from: z.number().int().positive(), until: z.number().int().positive().optional() })
    .optional(),
};

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
export type EndedJob = Extract<Job, { state: "ended" }>;
export type RunningJob = Extract<Job, { state: "running" }>;

/** What every state of a job holds. */
export type JobBase = Pick<
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
  | "roundAt"
  | "story"
  | "openCalls"
  | "lanes"
  | "escalated"
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
  /** When SQS took the message. */
  readonly receivedAt: number;
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
  /**
   * When SQS took the message whose request was answered: an answer to what was asked before the job was opened again
   * ends it no more, however late the step runs. Absent where the step can be of no other round.
   */
  readonly receivedAt?: number;
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

/** A step that moves a job on to its next attempt, or out to the dead letters, after `attempt` failed. */
export type JobMove = {
  readonly tenantId: Job["tenantId"];
  readonly jobId: Job["jobId"];
  readonly attempt: number;
  readonly by: string;
  /** When and why the attempt failed, for the job's story. */
  readonly at: number;
  readonly code: string;
};

/** Back to the queue. `counts`: whether the failed attempt is one of the round's; if not, the round begins later by one. */
export type RequeueMove = JobMove & {
  readonly counts: boolean;
  /** The holder of the lease of a job that is being run, when that is who moves it; a job that waits has none. */
  readonly owner?: string;
};

/** A dead letter must say where the request lies; a direct job's was only in its message until now. */
export type DeadLetterMove = JobMove & { readonly source: NonNullable<Job["source"]> };

/** A worker that wants to call the provider for a job directly. */
export type DirectLease = Omit<Claim, "retry"> & {
  readonly retry: boolean;
  /** The attempt that a run request is for, which finds nothing to do at another; null when any will do. */
  readonly attempt: number | null;
  readonly owner: string;
  readonly now: number;
  readonly leaseUntil: number;
  /**
   * How the lease's own holder goes on to its next attempt. `counted` (so where it is left out): its last one failed.
   * `spared`: it failed over nothing that is the request's, and the round begins later by one. `hedge`: it is still under
   * way, and becomes an open call; the round begins later by one, too.
   */
  readonly goesOn?: "counted" | "spared" | "hedge";
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
