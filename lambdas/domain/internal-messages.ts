import { z } from "zod";
import { jobIdSchema, tenantIdSchema } from "./ids.ts";
import { sourceSchema } from "./job-record.ts";
import { storedResultSchema } from "./result-message.ts";
import { directLaneSchema, tierSchema } from "./vocabulary.ts";

/** How often the message was sent again from its dead-letter queue. */
const passes = z.number().int().nonnegative().optional();

const byteRangeSchema = z.object({
  offset: z.number().int().nonnegative(),
  length: z.number().int().positive(),
});
export type ByteRange = z.infer<typeof byteRangeSchema>;

/**
 * On the deliveries queue: results of one tenant that are ready for its own queue. `object`: every line of a result
 * object; `lines`: some of its lines; `inline`: refusals, which have no object.
 */
export const deliverySchema = z.discriminatedUnion("kind", [
  z.object({
    version: z.literal(1),
    kind: z.literal("object"),
    tenantId: tenantIdSchema,
    key: z.string(),
    passes,
  }),
  z.object({
    version: z.literal(1),
    kind: z.literal("lines"),
    tenantId: tenantIdSchema,
    key: z.string(),
    lines: z.array(byteRangeSchema).min(1),
    passes,
  }),
  z.object({
    version: z.literal(1),
    kind: z.literal("inline"),
    tenantId: tenantIdSchema,
    results: z.array(storedResultSchema).min(1),
    passes,
  }),
]);
export type Delivery = z.infer<typeof deliverySchema>;

const job = { version: z.literal(1), tenantId: tenantIdSchema, jobId: jobIdSchema, passes };

/**
 * On the `runs` queue, which tenants cannot write. `run`: call the provider for this claimed job, now (`attempt`: only if
 * it still is at that one). `expire`: end it, nobody could run it. `cancel`: end it as its tenant or the operator asks,
 * unless its round began after `sentAt`. `message`: a message that SQS took from a job queue after too many failures, to be
 * admitted as it came.
 */
export const runRequestSchema = z.discriminatedUnion("kind", [
  z.object({
    ...job,
    kind: z.literal("run"),
    source: sourceSchema,
    /**
     * `planned`: a window found that a direct lane is its cheapest in time; `escalated`: its batch would come too late, and
     * may yet bill the same work; `handed-on`: the flex lane could not take it.
     */
    reason: z.enum(["direct-tier", "dead-letter", "alone", "planned", "escalated", "handed-on"]),
    /** Which lane, and why in words the operator reads: what the job map is told. Without it, the job's own. */
    lane: z.object({ lane: directLaneSchema, reason: z.string() }).optional(),
    attempt: z.number().int().positive().nullable().default(null),
  }),
  z.object({
    ...job,
    kind: z.literal("expire"),
    source: sourceSchema,
    attempt: z.number().int().positive(),
  }),
  z.object({
    ...job,
    kind: z.literal("cancel"),
    idempotencyKey: z.string(),
    /** Names the request: its repeat changes nothing. */
    cancelId: z.string(),
    sentAt: z.number(),
  }),
  z.object({
    version: z.literal(1),
    kind: z.literal("message"),
    messageId: z.string(),
    senderId: z.string().nullable(),
    sentAt: z.number(),
    queue: tierSchema,
    /** The message as it came, or where it lies in the bucket when it is too large to be wrapped. */
    body: z.string().nullable(),
    bodyKey: z.string().nullable(),
    passes,
  }),
]);
export type RunRequest = z.infer<typeof runRequestSchema>;
export type RunJobRequest = Extract<RunRequest, { kind: "run" }>;

const reasonSchema = z.object({ code: z.string(), message: z.string() });

/**
 * On a dead-letter queue. `message`: something on a job queue that could not become a job nor be answered, kept as it
 * came (`body`, or `bodyKey` in the bucket when it is too large to be wrapped). `job`: an admitted job whose attempts
 * are used up; `retry-dead-letters` runs it once more, alone.
 */
export const deadLetterSchema = z.discriminatedUnion("kind", [
  z.object({
    version: z.literal(1),
    kind: z.literal("message"),
    reason: reasonSchema,
    at: z.iso.datetime(),
    messageId: z.string(),
    senderId: z.string().nullable(),
    body: z.string().nullable(),
    bodyKey: z.string().nullable(),
  }),
  z.object({
    version: z.literal(1),
    kind: z.literal("job"),
    reason: reasonSchema,
    at: z.iso.datetime(),
    tenantId: tenantIdSchema,
    jobId: jobIdSchema,
    attempts: z.number().int().positive(),
    source: sourceSchema,
  }),
]);
export type DeadLetter = z.infer<typeof deadLetterSchema>;
