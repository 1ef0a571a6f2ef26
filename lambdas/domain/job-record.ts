import { z } from "zod";
import { groupSchema } from "./group.ts";
import { jobIdSchema, tenantIdSchema } from "./ids.ts";
import { directLaneSchema, laneSchema, tierSchema } from "./vocabulary.ts";

export const JOB_RECORD_VERSION = 1;

/** Where the admitted request of a job lies for good: one line of an immutable segment object. */
export const sourceSchema = z.object({
  key: z.string(),
  line: z.number().int().nonnegative(),
  offset: z.number().int().nonnegative(),
  length: z.number().int().positive(),
});
export type Source = z.infer<typeof sourceSchema>;

/** What every later step must know of a job, apart from the request's body. */
export const jobHeaderSchema = z.object({
  version: z.literal(JOB_RECORD_VERSION),
  jobId: jobIdSchema,
  tenantId: tenantIdSchema,
  idempotencyKey: z.string(),
  /** Hash of the canonical request: the same key with another hash is a conflict. */
  requestHash: z.string(),
  taskType: z.string(),
  vertical: z.string(),
  agentId: z.string(),
  tier: tierSchema,
  /** Who says so, in words the operator reads; records of earlier releases lack it. */
  tierReason: z.string().optional(),
  lane: laneSchema,
  laneReason: z.string(),
  /** When SQS took the message. */
  receivedAt: z.number(),
  /** When the result is due. */
  due: z.number(),
  effectiveForSeconds: z.number().int().positive().optional(),
  metadata: z.record(z.string(), z.json()).optional(),
  /** Where the message named an alias: that, and the model it stands for when no tier is looked at. */
  alias: z.object({ name: z.string(), defaultModel: z.string() }).optional(),
  /** The tenant wants no answer after the due time: a call that runs until then is cut off. */
  cancelAtDue: z.boolean().optional(),
  /** Not to be planned before this moment: the tenant's limits have no room for it until then. */
  notBefore: z.number().optional(),
  /** What was reserved for it (pico-dollars), and of which UTC day's budget; absent for a tenant without one. */
  reserved: z.object({ day: z.iso.date(), picoUsd: z.string() }).optional(),
  group: groupSchema,
  /** Estimates made at admission: input tokens for headroom, output tokens for the cost of an unanswered call. */
  estimate: z.object({ inputTokens: z.number().int(), outputTokens: z.number().int() }),
  /** Texts to embed (embeddings only): the provider limits them per batch. */
  inputs: z.number().int().nonnegative(),
  /** Bytes of the provider's batch input line, line feed included. */
  lineBytes: z.number().int().positive(),
});
export type JobHeader = z.infer<typeof jobHeaderSchema>;

/** A job whose deadline is further off is worked on as if it were due by then: its request is stored for weeks, not years. */
const LONGEST_WAIT_MS = 7 * 86_400_000;

/** The moment that a job's work is planned by; `due` itself decides only whether the result is late. */
export function workedOnBy({ due, receivedAt }: Pick<JobHeader, "due" | "receivedAt">): number {
  return Math.min(due, receivedAt + LONGEST_WAIT_MS);
}

/** One line of a segment: the whole admitted job. */
export const jobRecordSchema = jobHeaderSchema.extend({ body: z.record(z.string(), z.unknown()) });
export type JobRecord = z.infer<typeof jobRecordSchema>;

/** One line of a segment's index: what the planner needs of a claimed job, and where the job lies. */
export const indexEntrySchema = z.object({
  version: z.literal(JOB_RECORD_VERSION),
  jobId: jobIdSchema,
  tenantId: tenantIdSchema,
  attempt: z.number().int().positive(),
  /** The attempt that began the current round: attempts are counted from it. */
  roundStart: z.number().int().positive(),
  group: groupSchema,
  tokens: z.number().int().nonnegative(),
  /** Estimated tokens of the answer, for what a lane is expected to cost; none are counted where nobody wrote them. */
  outputTokens: z.number().int().nonnegative().optional(),
  tier: tierSchema.optional(),
  inputs: z.number().int().nonnegative(),
  lineBytes: z.number().int().positive(),
  /** When it is to be done by: the due time, or earlier where that is far off. */
  due: z.number(),
  source: sourceSchema,
  /** Not to be planned before this moment: the back-off after a failure. */
  notBefore: z.number().optional(),
  /** Entries of one cohort share a batch, and share it with nobody else: what is left of a batch that failed as a whole. */
  cohort: z.string().optional(),
});
export type IndexEntry = z.infer<typeof indexEntrySchema>;

/** One line of what a plan has run in a direct lane. */
export const directEntrySchema = z.object({
  entry: indexEntrySchema,
  lane: directLaneSchema,
  /** Why, in words the operator reads. */
  reason: z.string(),
});
export type PlannedDirect = z.infer<typeof directEntrySchema>;

/** One line of a batch's manifest: all that a result needs of the request it answers. `customId` comes first. */
export const manifestEntrySchema = z.object({
  customId: z.string(),
  version: z.literal(JOB_RECORD_VERSION),
  attempt: z.number().int().positive(),
  roundStart: z.number().int().positive(),
  source: sourceSchema,
  job: jobHeaderSchema,
});
export type ManifestEntry = z.infer<typeof manifestEntrySchema>;
