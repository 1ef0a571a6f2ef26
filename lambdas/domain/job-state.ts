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

/** A step that moves a job on to its next attempt, or out to the dead letters, after `attempt` failed. */
export type JobMove = {
  readonly tenantId: Job["tenantId"];
  readonly jobId: Job["jobId"];
  readonly attempt: number;
  readonly by: string;
};

/** A dead letter must say where the request lies; a direct job's was only in its message until now. */
export type DeadLetterMove = JobMove & { readonly source: NonNullable<Job["source"]> };

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
