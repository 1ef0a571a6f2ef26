import { z } from "zod";
import { jobIdSchema, tenantIdSchema } from "./ids.ts";
import { sourceSchema } from "./job-record.ts";
import { storedResultSchema } from "./result-message.ts";

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
  z.object({ version: z.literal(1), kind: z.literal("object"), tenantId: tenantIdSchema, key: z.string() }),
  z.object({
    version: z.literal(1),
    kind: z.literal("lines"),
    tenantId: tenantIdSchema,
    key: z.string(),
    lines: z.array(byteRangeSchema).min(1),
  }),
  z.object({
    version: z.literal(1),
    kind: z.literal("inline"),
    tenantId: tenantIdSchema,
    results: z.array(storedResultSchema).min(1),
  }),
]);
export type Delivery = z.infer<typeof deliverySchema>;

/** On the `runs` queue, which tenants cannot write: run this claimed job directly, now. */
export const runRequestSchema = z.object({
  version: z.literal(1),
  kind: z.literal("run"),
  tenantId: tenantIdSchema,
  jobId: jobIdSchema,
  source: sourceSchema,
  reason: z.enum(["direct-tier", "dead-letter"]),
});
export type RunRequest = z.infer<typeof runRequestSchema>;

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
