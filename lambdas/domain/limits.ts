import { z } from "zod";
import { type Provider, TIERS } from "./vocabulary.ts";

/** What one provider batch may hold. Bytes are of the input file (OpenAI) or the request body (Anthropic). */
const batchLimitsSchema = z.object({
  maxRequests: z.number().int().positive(),
  maxBytes: z.number().int().positive(),
  maxInputs: z.number().int().positive(),
});
export type BatchLimits = z.infer<typeof batchLimitsSchema>;

/**
 * The providers' published limits: OpenAI 50,000 requests, 200 MB, 50,000 embedding inputs in total; Anthropic 100,000
 * requests or 256 MB (their batch guides, read 2026-11-21). The megabyte is taken as 10⁶ bytes, the smaller reading.
 */
export const PROVIDER_BATCH_LIMITS: Readonly<Record<Provider, BatchLimits>> = {
  openai: { maxRequests: 50_000, maxBytes: 200_000_000, maxInputs: 50_000 },
  anthropic: { maxRequests: 100_000, maxBytes: 256_000_000, maxInputs: 100_000 },
};

/** A stage's own caps by provider, below the provider's limits. */
export const batchCapsSchema = z.object({
  openai: batchLimitsSchema.partial(),
  anthropic: batchLimitsSchema.partial(),
});
export type BatchCaps = z.infer<typeof batchCapsSchema>;

/** The provider's limits and the stage's caps together: the smaller of each. */
export function effectiveLimits(provider: Provider, caps: BatchCaps): BatchLimits {
  const limits = PROVIDER_BATCH_LIMITS[provider];
  const cap = caps[provider];
  return {
    maxRequests: Math.min(limits.maxRequests, cap.maxRequests ?? Infinity),
    maxBytes: Math.min(limits.maxBytes, cap.maxBytes ?? Infinity),
    maxInputs: Math.min(limits.maxInputs, cap.maxInputs ?? Infinity),
  };
}

/** Seconds after SQS took the message by which a result is due, by tier. */
export const tierDueSecondsSchema = z.record(z.enum(TIERS), z.number().positive());
export type TierDueSeconds = z.infer<typeof tierDueSecondsSchema>;

export const DEFAULT_TIER_DUE_SECONDS: TierDueSeconds = { critical: 5, high: 60, normal: 3600, low: 86_400 };
