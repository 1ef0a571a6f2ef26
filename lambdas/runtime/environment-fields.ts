import { z } from "zod";
import { escalationPaceSchema } from "../domain/escalation-pace.ts";
import { headroomLimitsSchema } from "../domain/headroom.ts";
import { batchCapsSchema, tierDueSecondsSchema } from "../domain/limits.ts";
import { workloadQueuesSchema } from "../domain/workloads.ts";

/** An environment variable that holds JSON: parsed, then checked by `schema`. */
function json<Schema extends z.ZodType>(schema: Schema) {
  return z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue({ code: "custom", message: "is not JSON" });
        return z.NEVER;
      }
    })
    .pipe(schema);
}

const text = z.string().min(1);
const url = z.url();

/** Where a provider is reached, and the secret that holds its key. Without `baseUrl`, the provider's own address. */
const providerAccountsSchema = z.object({
  openai: z.object({ secretArn: text, baseUrl: url.optional() }),
  anthropic: z.object({ secretArn: text, baseUrl: url.optional() }),
});
export type ProviderAccounts = z.infer<typeof providerAccountsSchema>;

const lanesSchema = z.object({
  /** The chance, from 0 to 1, that a flex call is refused. */
  flexRefusal: z.number().min(0).max(1),
  /** Minutes between two windows. */
  windowMinutes: z.number().positive(),
  /** Multiplies the times that are expected of windows and batches. */
  timeFactor: z.number().positive(),
});

const ownDeadLetterQueueUrlsSchema = z.object({ runs: url, deliveries: url });

const urlByTierSchema = z.object({ critical: url, high: url, normal: url, low: url });

/**
 * The environment variables that functions share, by name: each function's env.ts picks what it uses, and lib/ gives
 * exactly those. Values are strings, JSON where the shape says so.
 */
export const ENVIRONMENT_FIELDS = {
  GATEWAY_BUCKET: text,
  JOB_MAP_TABLE: text,
  TENANT_LEDGER_TABLE: text,
  TENANTS_TABLE: text,
  BATCHES_TABLE: text,
  DELIVERIES_QUEUE_URL: url,
  RUNS_QUEUE_URL: url,
  FLEX_RUNS_QUEUE_URL: url,
  WORKLOADS_TABLE: text,
  /** Of S3 Vectors; absent where the stage has none. */
  VECTOR_BUCKET_ARN: text.optional(),
  /** JSON by workload: where the results of its jobs are taken. */
  WORKLOAD_QUEUES: json(workloadQueuesSchema),
  /** JSON by tier: where apps send their jobs. */
  JOB_QUEUE_URLS: json(urlByTierSchema),
  /** Documents of knowledge bases to be looked at. */
  KB_CHANGES_QUEUE_URL: url,
  /** JSON by tier. */
  DEAD_LETTER_QUEUE_URLS: json(urlByTierSchema),
  /** JSON by queue: those of the queues that only our functions write to. */
  OWN_DEAD_LETTER_QUEUE_URLS: json(ownDeadLetterQueueUrlsSchema),
  /** JSON by tier. */
  TIER_DUE_SECONDS: json(tierDueSecondsSchema),
  /** JSON by provider. */
  BATCH_CAPS: json(batchCapsSchema),
  /** JSON by provider. */
  PROVIDER_ACCOUNTS: json(providerAccountsSchema),
  /** JSON: what is expected of the direct lanes when jobs have to leave a late batch. */
  ESCALATION: json(escalationPaceSchema),
  /** Of the time that a critical call has until its job is due, the share after which a second call is made; 0: never. */
  HEDGE_SHARE: z.coerce.number().min(0).max(1),
  /** Seconds for which an answer of the flex lane is waited for. */
  FLEX_CALL_SECONDS: z.coerce.number().positive(),
  /** Multiplies the failure policy's waits. */
  WAIT_FACTOR: z.coerce.number().positive(),
  /** What becomes of the provider's copies of a settled batch. */
  PROVIDER_FILES: z.enum(["delete", "keep"]),
  /** The state machine that the sweeper starts again. */
  RUN_BATCH_ARN: text,
  /** Marks our batches at the provider. */
  STACK_NAME: text,
  /** Bytes of the largest request accepted, uploaded ones included. */
  MAX_REQUEST_BYTES: z.coerce.number().int().positive(),
  /** Jobs that make a batch worth its fixed cost; smaller groups wait while their due times allow. */
  MIN_BATCH_JOBS: z.coerce.number().int().positive(),
  /** Seconds before its due time by which a job is put into a batch, however small. */
  BATCH_LEAD_SECONDS: z.coerce.number().nonnegative(),
  /** JSON: what lanes are weighed by. */
  LANES: json(lanesSchema),
  /** JSON by provider: what its batch queue may hold. */
  HEADROOM: json(headroomLimitsSchema),
  /** Most jobs that one window places; the rest waits for the next. */
  MAX_WINDOW_JOBS: z.coerce.number().int().positive(),
} as const;
