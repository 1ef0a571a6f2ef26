import { z } from "zod";
import { providerFilesSchema } from "./batch-record.ts";
import { type BatchSeen, ownWords } from "./failure-policy.ts";
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

const reasonSchema = z.object({ code: z.string(), message: z.string() });

/** Why requests without a line have none. */
const missingReasonSchema = reasonSchema.extend({
  seen: z.enum([
    "missing-line",
    "foreign-output",
    "results-gone",
    "good-row",
    "unnamed-fault",
    "too-large",
    "token-limit",
    "billing-limit",
    "no-batch-service",
    "create-refused",
    "batch-expired",
    "batch-cancelled",
    "stuck",
  ] satisfies BatchSeen[]),
});
export type MissingReason = z.infer<typeof missingReasonSchema>;

/**
 * What collecting fixed for settling: written once, chosen by one conditional write. The defaults read the plans of
 * releases that did not have a field yet.
 */
export const settlementPlanSchema = z.object({
  version: z.literal(1),
  batchId: batchIdSchema,
  generation: z.number().int().positive(),
  providerBatchId: z.string(),
  /** The provider's own word for how the batch ended. */
  providerStatus: z.string(),
  /** What may be deleted at the provider once the batch is settled; null when it is not ours or may still run. */
  files: providerFilesSchema.nullable().default(null),
  /** When the provider ended the batch: dates every ledger entry of it. */
  completedAt: z.number(),
  parts: z.array(partSchema),
  /** Requests that the provider named when it refused the whole batch, by custom id. */
  refusedRows: z.record(
    z.string(),
    reasonSchema.extend({ seen: z.enum(["bad-row", "our-row"]).default("bad-row") }),
  ),
  /** Of every other request in a part of missing ones. */
  missingReason: missingReasonSchema.default({ seen: "missing-line", ...ownWords("missing-line") }),
  counts: z.object({
    lines: z.number().int(),
    /** Requests whose counting line is an answer, and whose counting line is a failure. */
    answered: z.number().int().default(0),
    failed: z.number().int().default(0),
    repeated: z.number().int(),
    unknown: z.number().int(),
    unparseable: z.number().int(),
    missing: z.number().int(),
  }),
});
export type SettlementPlan = z.infer<typeof settlementPlanSchema>;
