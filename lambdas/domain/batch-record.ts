import { z } from "zod";
import { groupSchema } from "./group.ts";
import { batchIdSchema, segmentIdSchema, windowIdSchema } from "./ids.ts";
import { priceRowSchema } from "./price-row.ts";

export const BATCH_RECORD_VERSION = 1;

/** A batch as planned: everything that is fixed before anything is written or sent. */
export const plannedBatchSchema = z.object({
  version: z.literal(BATCH_RECORD_VERSION),
  batchId: batchIdSchema,
  windowId: windowIdSchema,
  group: groupSchema,
  requests: z.number().int().positive(),
  tenants: z.number().int().positive(),
  inputBytes: z.number().int().positive(),
  inputs: z.number().int().nonnegative(),
  tokens: z.number().int().nonnegative(),
  earliestDue: z.number(),
  /** How much is due by when, earliest first: at most 64 steps, each with the jobs due by then and after the step before. */
  dues: z.array(z.object({ due: z.number(), jobs: z.number().int(), tokens: z.number().int() })).optional(),
  plannedAt: z.number(),
  /** Why it was made as it is, in words the operator reads. */
  reason: z.string().optional(),
  /** The price rows in force at planning: what the batch lane costs, and what the same work would cost at once. */
  prices: z.object({ batch: priceRowSchema, sync: priceRowSchema }),
  /** The object with the batch's lines (index entries). */
  linesKey: z.string(),
  /**
   * Set for an orphan: a second provider batch of that one's requests, made by a create whose answer was lost, or one
   * that was given up and whose jobs have moved on. It is watched and settled for what it billed; nothing is sent for it.
   */
  orphanOf: batchIdSchema.nullable().default(null),
});
export type PlannedBatch = z.infer<typeof plannedBatchSchema>;

/** The provider's view of a batch, in our words. */
const providerBatchSchema = z.object({
  id: z.string(),
  /** `running` until nothing more will come of it. */
  phase: z.enum(["running", "ended"]),
  /** The provider's own word for its state. */
  status: z.string(),
  /** Its state in our words, and since when it is in it as far as the provider tells: each has a time limit. */
  stage: z.enum(["validating", "in-progress", "finalizing", "cancelling", "ended"]),
  stageSince: z.number(),
  createdAt: z.number(),
  endedAt: z.number().nullable(),
  counts: z.object({ total: z.number(), completed: z.number(), failed: z.number() }),
  /** Rows the provider refused while validating (1-based line, or null for the batch as a whole). */
  errors: z.array(z.object({ code: z.string(), line: z.number().nullable(), message: z.string() })),
  inputFileId: z.string().nullable(),
  outputFileId: z.string().nullable(),
  errorFileId: z.string().nullable(),
});
export type ProviderBatch = z.infer<typeof providerBatchSchema>;

/** What a provider keeps of a batch: `id` its own, null when there never was one. */
export const providerFilesSchema = z.object({
  id: z.string().nullable(),
  inputFileId: z.string().nullable(),
  outputFileId: z.string().nullable(),
  errorFileId: z.string().nullable(),
});
export type ProviderFiles = z.infer<typeof providerFilesSchema>;

/** How far a batch has come; each state is reached by one conditional write and never left backwards. */
const BATCH_STATES = ["planned", "submitted", "collected", "closed"] as const;

/** What came of a settled batch's requests, for the operator and the failure rate. */
const batchOutcomeSchema = z.object({
  answered: z.number().int(),
  failed: z.number().int(),
  /** Lines of the provider that answer no request of the batch, or repeat one. */
  surplus: z.number().int(),
});
export type BatchOutcome = z.infer<typeof batchOutcomeSchema>;

/** Why no batch is to be sent to an account for now. */
export const accountHoldSchema = z.object({ until: z.number(), code: z.string(), message: z.string() });
export type AccountHold = z.infer<typeof accountHoldSchema>;

/** The batch row. `generation` counts the executions of RunBatch ever started. `fence` counts the leases ever given: a write under an older one is refused. */
export const batchRecordSchema = z.object({
  plan: plannedBatchSchema,
  state: z.enum(BATCH_STATES),
  generation: z.number().int().positive(),
  fence: z.number().int().nonnegative(),
  leaseUntil: z.number(),
  /** When the latest create was about to be sent; set means a provider batch may exist that we do not know. */
  intentAt: z.number().nullable(),
  inputFileId: z.string().nullable(),
  providerBatchId: z.string().nullable(),
  submittedAt: z.number().nullable(),
  /**
   * The provider's batch was found without a name that would prove it ours: until its results show one of our requests, it
   * may be somebody else's, and is neither cancelled nor deleted.
   */
  isProvisional: z.boolean().default(false),
  /** The provider took no batch and says why: there is nothing to poll, and every line of it is unanswered. */
  refusal: z.object({ code: z.string(), message: z.string() }).nullable(),
  /** When the provider was first asked to cancel it, and when we gave up waiting for that. */
  cancelAt: z.number().nullable().default(null),
  abandonedAt: z.number().nullable().default(null),
  /** Jobs due by then have been moved to a faster lane; null while none were. */
  escalatedUntil: z.number().nullable().default(null),
  settlementKey: z.string().nullable(),
  closedAt: z.number().nullable(),
  outcome: batchOutcomeSchema.nullable().default(null),
});
export type BatchRecord = z.infer<typeof batchRecordSchema>;

/** The frozen list of a window: which segments it takes, named in the order of their markers. */
export const frozenWindowSchema = z.object({
  version: z.literal(1),
  windowId: windowIdSchema,
  segments: z.array(segmentIdSchema),
});
export type FrozenWindow = z.infer<typeof frozenWindowSchema>;

/** The persisted plan of a window. */
export const windowPlanSchema = z.object({
  version: z.literal(1),
  windowId: windowIdSchema,
  plannedAt: z.number(),
  batches: z.array(plannedBatchSchema),
  /** The segment that carries on what did not fit or can still wait; null when everything was placed. */
  carried: segmentIdSchema.nullable(),
  /** Frozen segments that could not be read: not taken, and left for a release that can. */
  setAside: z.array(segmentIdSchema),
  /** The object with the entries (index entries) that nobody could run for too long past their due time; null when none. */
  expiredKey: z.string().nullable().default(null),
  /** The object with the entries that run in a direct lane, each with its lane; null when none do. */
  directKey: z.string().nullable().default(null),
  jobs: z.object({
    placed: z.number().int(),
    direct: z.number().int().default(0),
    carried: z.number().int(),
  }),
});
export type WindowPlan = z.infer<typeof windowPlanSchema>;
