import { z } from "zod";

/** How urgent the user is, most urgent first. */
export const TIERS = ["critical", "high", "normal", "low"] as const;
export const tierSchema = z.enum(TIERS);
export type Tier = z.infer<typeof tierSchema>;

/** How a job is executed. */
const LANES = ["sync", "flex", "batch"] as const;
export const laneSchema = z.enum(LANES);
export type Lane = z.infer<typeof laneSchema>;

/** The lanes in which the provider is called for one job at a time. */
export const directLaneSchema = laneSchema.extract(["sync", "flex"]);
export type DirectLane = z.infer<typeof directLaneSchema>;

export const PROVIDERS = ["openai", "anthropic"] as const;
export const providerSchema = z.enum(PROVIDERS);
export type Provider = z.infer<typeof providerSchema>;

/** The endpoints jobs may name, by provider: the providers' own paths. */
export const ENDPOINTS = {
  openai: ["/v1/chat/completions", "/v1/responses", "/v1/embeddings"],
  anthropic: ["/v1/messages"],
} as const satisfies Record<Provider, readonly string[]>;
export const endpointSchema = z.enum([...ENDPOINTS.openai, ...ENDPOINTS.anthropic]);
export type Endpoint = z.infer<typeof endpointSchema>;

/** The states a job ends in, each exactly once. */
const END_STATUSES = ["succeeded", "failed", "expired", "cancelled", "rejected"] as const;
export const endStatusSchema = z.enum(END_STATUSES);
export type EndStatus = z.infer<typeof endStatusSchema>;
