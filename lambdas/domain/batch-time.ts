import { z } from "zod";
import type { BatchRecord } from "./batch-record.ts";
import { batchIdSchema } from "./ids.ts";
import type { SettlementPlan } from "./settlement-plan.ts";

/**
 * How long the provider took over one batch: from `submittedAt` to `endedAt`. `isWhole`: it ran to its end; otherwise it was
 * stopped or expired, and would have taken longer than that.
 */
export const batchTimeSchema = z.object({
  batchId: batchIdSchema,
  model: z.string().min(1),
  submittedAt: z.number(),
  endedAt: z.number(),
  isWhole: z.boolean(),
});
export type BatchTime = z.infer<typeof batchTimeSchema>;

/** The providers' words for a batch that was not stopped, and ours for one that hung until it was given up. */
const WHOLE: ReadonlySet<string> = new Set(["completed", "ended"]);
const CUT_OFF: ReadonlySet<string> = new Set(["cancelled", "expired", "given-up"]);
/** Providers end a batch that runs for longer, with whatever word. */
const LONGEST_MS = 24 * 3_600_000;

/**
 * How long the provider took over a settled batch. Null for one that says nothing of that: nobody waited for it, the provider
 * refused it or never had it, or nobody knows when it ended.
 */
export function batchTimeOf(
  { plan, submittedAt, cancelAt }: Pick<BatchRecord, "plan" | "submittedAt" | "cancelAt">,
  { completedAt, providerStatus }: Pick<SettlementPlan, "completedAt" | "providerStatus">,
): BatchTime | null {
  if (plan.orphanOf !== null || submittedAt === null) return null;
  if (!WHOLE.has(providerStatus) && !CUT_OFF.has(providerStatus)) return null;
  // Anthropic says the same of a batch that was cancelled.
  const wasStopped = providerStatus !== "completed" && cancelAt !== null;
  // From then on it could not have been done; and clocks differ by seconds.
  const endedAt = Math.max(submittedAt, wasStopped ? Math.min(cancelAt, completedAt) : completedAt);
  const isWhole = WHOLE.has(providerStatus) && !wasStopped && endedAt - submittedAt < LONGEST_MS;
  return { batchId: plan.batchId, model: plan.group.model, submittedAt, endedAt, isWhole };
}
