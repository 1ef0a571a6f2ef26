import type { Instant } from "./instant.ts";
import type { TierDueSeconds } from "./limits.ts";
import type { Lane, Tier } from "./vocabulary.ts";

/** What a tenant's policy says of tiers. Not the policy's own type: apps that import the client need no prices. */
type TierPolicy = {
  readonly tiers: Readonly<Record<string, Tier>>;
  readonly batchAllowed: readonly string[];
};

const TIER_OF_TASK: ReadonlyMap<string, Tier> = new Map([
  ["live_chat_response", "critical"],
  ["voice_agent_reply", "critical"],
  ["safety_check", "critical"],
  ["email_draft", "high"],
  ["ticket_classification", "high"],
  ["escalation_decision", "high"],
  ["meeting_summary", "normal"],
  ["document_analysis", "normal"],
  ["lead_scoring", "normal"],
  ["post_call_summary", "normal"],
  ["content_generation", "low"],
  ["bulk_classification", "low"],
  ["data_enrichment", "low"],
  ["report_generation", "low"],
  ["follow_up_draft", "low"],
  ["kb_embedding", "low"],
]);

/** Moderation, fraud, live chat, voice and escalation routing: somebody waits or is at risk while these wait. */
const NEVER_BATCHED: ReadonlySet<string> = new Set([
  "content_moderation",
  "fraud_detection",
  "live_chat_response",
  "voice_agent_reply",
  "escalation_decision",
  "escalation_routing",
]);

/** The tier of a task type when nobody says otherwise; `normal` for a type that is not known. */
export function defaultTierOf(taskType: string): Tier {
  return TIER_OF_TASK.get(taskType) ?? "normal";
}

/** A job's tier, and why in words the operator reads. */
export type TierChoice = { readonly tier: Tier; readonly reason: string };

/** The message's own word, else the tenant's policy, else the default of the task type, else `normal`. */
export function tierOf(
  taskType: string,
  asked: Tier | undefined,
  policy: Pick<TierPolicy, "tiers">,
): TierChoice {
  if (asked !== undefined) return { tier: asked, reason: "the message says so" };
  const own = Object.hasOwn(policy.tiers, taskType) ? policy.tiers[taskType] : undefined;
  if (own !== undefined) return { tier: own, reason: `the tenant's policy says so for ${taskType}` };
  const reason = TIER_OF_TASK.has(taskType)
    ? `the default for ${taskType}`
    : `${taskType} is an unknown task type`;
  return { tier: defaultTierOf(taskType), reason };
}

/** The lane a job begins in, and why in words the operator reads. */
export function firstLane(
  taskType: string,
  tier: Tier,
  policy: Pick<TierPolicy, "batchAllowed">,
): { readonly lane: Lane; readonly reason: string } {
  if (tier === "critical" || tier === "high") return { lane: "sync", reason: `${tier} jobs run at once` };
  if (NEVER_BATCHED.has(taskType) && !policy.batchAllowed.includes(taskType)) {
    return { lane: "sync", reason: `${taskType} is never batched unless the tenant's policy allows it` };
  }
  return { lane: "batch", reason: `${tier} jobs can wait for a batch` };
}

/** When the result is due: the message's deadline, else the tier's time from when SQS took the message. */
export function dueOf(
  tier: Tier,
  deadline: string | undefined,
  receivedAt: Instant,
  dueSeconds: TierDueSeconds,
): Instant {
  return deadline === undefined ? receivedAt + dueSeconds[tier] * 1000 : Date.parse(deadline);
}
