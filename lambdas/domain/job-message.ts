import { z } from "zod";
import { tenantIdSchema } from "./ids.ts";
import { endpointSchema, ENDPOINTS, providerSchema, tierSchema } from "./vocabulary.ts";

const METADATA_BYTES = 2048;

/**
 * Names tag ledger entries and messages: at most 64 characters, none of them a control character. Half of a surrogate
 * pair, which JSON can escape, is no character: it has no UTF-8 to be stored or hashed as.
 */
const nameSchema = z.string().regex(/^[^\p{Cc}\p{Cs}]{1,64}$/u, "1 to 64 characters, no control characters");

const idempotencyKeySchema = z
  .string()
  .regex(/^[^\p{Cc}\p{Cs}]{1,256}$/u, "1 to 256 characters, no control characters");

/** The provider's own request: which provider, which of its endpoints, and the body it would get there. */
export const providerRequestSchema = z
  .strictObject({
    provider: providerSchema,
    endpoint: endpointSchema,
    body: z.record(z.string(), z.unknown()),
  })
  .refine((request) => (ENDPOINTS[request.provider] as readonly string[]).includes(request.endpoint), {
    error: "the provider has no such endpoint here",
    path: ["endpoint"],
  });
export type ProviderRequest = z.infer<typeof providerRequestSchema>;

/** A request too large for a message, left by the tenant under its own upload prefix. */
const uploadedRequestSchema = z.strictObject({ s3Key: z.string().min(1).max(1024) });

const metadataSchema = z
  .record(z.string().max(64), z.json())
  .refine((metadata) => Buffer.byteLength(JSON.stringify(metadata)) <= METADATA_BYTES, {
    error: `metadata is at most ${METADATA_BYTES} bytes of JSON`,
  });

/** The job message, version 1: what a tenant app puts on a job queue. */
export const jobMessageSchema = z.strictObject({
  version: z.literal(1),
  tenantId: tenantIdSchema,
  idempotencyKey: idempotencyKeySchema,
  taskType: nameSchema,
  vertical: nameSchema,
  agentId: nameSchema,
  tier: tierSchema.optional(),
  deadline: z.iso.datetime({ offset: true }).optional(),
  request: z.union([providerRequestSchema, uploadedRequestSchema]),
  freshness: z.strictObject({ effectiveForSeconds: z.number().int().positive().max(315_360_000) }).optional(),
  metadata: metadataSchema.optional(),
  retry: z.boolean().optional(),
});
export type JobMessage = z.infer<typeof jobMessageSchema>;

/**
 * The cancel message, version 1: ends the tenant's job of this key unless it has ended, and lets its answer go unheard
 * if it is under way. It may come by any job queue.
 */
export const cancelMessageSchema = z.strictObject({
  version: z.literal(1),
  tenantId: tenantIdSchema,
  cancel: z.strictObject({ idempotencyKey: idempotencyKeySchema }),
});

/** What can still be told about a message that is no valid job: enough to refuse it to the right tenant. */
export const addressSchema = z.object({
  tenantId: tenantIdSchema,
  idempotencyKey: idempotencyKeySchema.optional().catch(undefined),
  taskType: nameSchema.optional().catch(undefined),
  vertical: nameSchema.optional().catch(undefined),
  agentId: nameSchema.optional().catch(undefined),
  metadata: metadataSchema.optional().catch(undefined),
  cancel: z.object({ idempotencyKey: idempotencyKeySchema }).optional().catch(undefined),
});
export type Address = z.infer<typeof addressSchema>;
