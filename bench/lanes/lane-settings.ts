import { DEFAULT_ESCALATION_SECONDS, escalationPaceSchema } from "../../lambdas/domain/escalation-pace.ts";
import { DEFAULT_TIER_DUE_SECONDS, PROVIDER_BATCH_LIMITS } from "../../lambdas/domain/limits.ts";
import type { FunctionSettings } from "../../test/simulation/functions.ts";

const pace = escalationPaceSchema.parse(DEFAULT_ESCALATION_SECONDS);

/**
 * What the stage's settings are beside its defaults: a provider that answers a fraction of a call a second has few workers for
 * what windows and late batches have called directly, or they would use up the rate limit of urgent jobs.
 */
export const LANE_STAGE = { direct: { runsConcurrency: 2 } };

/** What the functions are given: the stage's defaults. */
export const LANE_SETTINGS: FunctionSettings = {
  admission: { tierDueSeconds: DEFAULT_TIER_DUE_SECONDS, maxRequestBytes: 8 * 1024 * 1024 },
  plan: {
    limits: PROVIDER_BATCH_LIMITS,
    minBatchJobs: 50,
    leadMs: 7200_000,
    maxJobs: 200_000,
    lanes: { pace, windowMs: 300_000, timeFactor: 1, flexRefusal: 0.3 },
  },
  escalation: pace,
};
