import { z } from "zod";
import { batchIdSchema } from "./ids.ts";

/**
 * A part: the unit of settling. `lines`: a byte range of a collected object; `skip` are the lines in it (0-based) that
 * do not count, because another line answers the same request or because nobody here asked. `missing`: requests that
 * the provider never answered.
 */
const partSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("lines"),
    key: z.string(),
    offset: z.number().int().nonnegative(),
    length: z.number().int().positive(),
    lines: z.number().int().positive(),
    skip: z.array(z.number().int().nonnegative()),
  }),
  z.object({ kind: z.literal("missing"), customIds: z.array(z.string()).min(1) }),
]);
export type Part = z.infer<typeof partSchema>;

/** What collecting fixed for settling: written once, chosen by one conditional write. */
export const settlementPlanSchema = z.object({
  version: z.literal(1),
  batchId: batchIdSchema,
  generation: z.number().int().positive(),
  providerBatchId: z.string(),
  /** The provider's own word for how the batch ended. */
  providerStatus: z.string(),
  /** When the provider ended the batch: dates every ledger entry of it. */
  completedAt: z.number(),
  parts: z.array(partSchema),
  /** Requests the provider refused while validating the whole batch, by custom id. */
  refusedRows: z.record(z.string(), z.object({ code: z.string(), message: z.string() })),
  /** Why nothing came of the batch as a whole, when the provider says so. */
  batchError: z.object({ code: z.string(), message: z.string() }).nullable(),
  counts: z.object({
    lines: z.number().int(),
    repeated: z.number().int(),
    unknown: z.number().int(),
    unparseable: z.number().int(),
    missing: z.number().int(),
  }),
});
export type SettlementPlan = z.infer<typeof settlementPlanSchema>;
