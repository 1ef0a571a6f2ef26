import { z } from "zod";
import { tenantIdSchema } from "./ids.ts";
import { tokenUsageSchema } from "./usage.ts";
import { laneSchema, providerSchema } from "./vocabulary.ts";

export const LEDGER_ENTRY_VERSION = 1;

/**
 * One line of the tenant ledger, written once under a key made of what it charges for. `unconfirmed`: an
 * answer of which nobody can tell what it cost, because it was lost or cannot be read; its cost is an estimate until the
 * operator confirms it.
 */
export const ledgerEntrySchema = z.object({
  version: z.literal(LEDGER_ENTRY_VERSION),
  tenantId: tenantIdSchema,
  /** `<date>#…`: unique within the tenant, the same on every re-run. */
  entryId: z.string(),
  kind: z.enum(["batch", "direct", "unconfirmed"]),
  /** UTC day on which the provider finished the work. */
  date: z.iso.date(),
  vertical: z.string(),
  agentId: z.string(),
  taskType: z.string(),
  provider: providerSchema,
  model: z.string(),
  lane: laneSchema,
  /** Our batch and the provider's, or null for a direct call. */
  batchId: z.string().nullable(),
  providerBatchId: z.string().nullable(),
  /** Jobs whose result this entry paid for. */
  jobs: z.number().int().nonnegative(),
  /** Billed answers, whether or not they became a job's result. */
  answers: z.number().int().nonnegative(),
  usage: tokenUsageSchema,
  /** Pico-dollars as decimal strings: what it cost, and what the same work would have cost synchronously. */
  costPicoUsd: z.string(),
  syncCostPicoUsd: z.string(),
  /** Of the cost, what was spent on top of the job's planned lane to keep its deadline; none where it is left out. */
  premiumPicoUsd: z.string().optional(),
  /** What the same tokens would have cost at once with the model that the alias stands for; left out without an alias. */
  defaultModelCostPicoUsd: z.string().optional(),
});
export type LedgerEntry = z.infer<typeof ledgerEntrySchema>;
