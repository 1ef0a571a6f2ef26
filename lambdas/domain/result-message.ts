import { z } from "zod";
import { jobIdSchema, tenantIdSchema } from "./ids.ts";
import { endStatusSchema, laneSchema, providerSchema, tierSchema } from "./vocabulary.ts";

/** Token counts as tenants read them; the components are disjoint but for reasoning, which is part of the output. */
const resultUsageSchema = z.object({
  inputTokens: z.number().int(),
  cachedInputTokens: z.number().int(),
  cacheWriteTokens: z.number().int(),
  outputTokens: z.number().int(),
  reasoningTokens: z.number().int(),
});

/** Where the whole result lies in the gateway bucket: one line of JSON, the result message without this pointer. */
const resultPointerSchema = z.object({
  bucket: z.string(),
  key: z.string(),
  offset: z.number().int().nonnegative(),
  length: z.number().int().positive(),
});
export type ResultPointer = z.infer<typeof resultPointerSchema>;

/** The result message, version 1. Fields of a job that never came to be (a refusal) are null. */
export const resultMessageSchema = z.object({
  version: z.literal(1),
  jobId: jobIdSchema.nullable(),
  messageId: z.string().nullable(),
  tenantId: tenantIdSchema,
  idempotencyKey: z.string().nullable(),
  taskType: z.string().nullable(),
  vertical: z.string().nullable(),
  agentId: z.string().nullable(),
  status: endStatusSchema,
  late: z.boolean(),
  response: z.unknown(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  provider: providerSchema.nullable(),
  model: z.string().nullable(),
  tier: tierSchema.nullable(),
  lane: laneSchema.nullable(),
  attempts: z.number().int().nonnegative(),
  usage: resultUsageSchema,
  costMicroUsd: z.number(),
  syncCostMicroUsd: z.number(),
  costPicoUsd: z.string(),
  producedAt: z.iso.datetime(),
  effectiveUntil: z.iso.datetime().nullable(),
  result: resultPointerSchema.nullable(),
  metadata: z.record(z.string(), z.json()),
});
export type ResultMessage = z.infer<typeof resultMessageSchema>;

/** A result as it lies in the bucket: the message without the pointer to itself. */
export const storedResultSchema = resultMessageSchema.omit({ result: true });
export type StoredResult = z.infer<typeof storedResultSchema>;

/** What one message on a tenant's queue holds: a result, or several of that tenant. */
export const resultEnvelopeSchema = z.union([
  resultMessageSchema,
  z.object({ version: z.literal(1), results: z.array(resultMessageSchema) }),
]);
