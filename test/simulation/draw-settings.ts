import { DEFAULT_ESCALATION_SECONDS, escalationPaceSchema } from "../../lambdas/domain/escalation-pace.ts";
import { DEFAULT_TIER_DUE_SECONDS } from "../../lambdas/domain/limits.ts";
import type { FunctionSettings } from "./functions.ts";
import type { Random } from "./random.ts";
import { HOUR } from "./simulation-clock.ts";

/** Limits narrow enough to be met, one or the other of them in each run. */
export function drawSettings(random: Random): FunctionSettings {
  const limits = {
    maxRequests: random.chance(0.2) ? 15 + random.below(40) : 1000,
    maxBytes: random.chance(0.2) ? 5000 + random.below(9000) : 1_000_000,
    maxInputs: random.chance(0.2) ? 12 + random.below(30) : 1000,
  };
  const pace = escalationPaceSchema.parse(DEFAULT_ESCALATION_SECONDS);
  return {
    admission: { tierDueSeconds: DEFAULT_TIER_DUE_SECONDS, maxRequestBytes: 1_000_000 },
    plan: {
      limits: { openai: limits, anthropic: limits },
      minBatchJobs: 2 + random.below(12),
      leadMs: random.pick([2, 8, 22]) * HOUR,
      maxJobs: random.chance(0.2) ? 20 + random.below(40) : 10_000,
      ...(random.chance(0.7) && { lanes: { pace, windowMs: 300_000, timeFactor: 1, flexRefusal: 0.3 } }),
    },
    escalation: pace,
  };
}
