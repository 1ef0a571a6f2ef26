import { RetentionDays } from "aws-cdk-lib/aws-logs";
import { z } from "zod";
import { DEFAULT_ESCALATION_SECONDS } from "../lambdas/domain/escalation-pace.ts";
import { DEFAULT_HEADROOM } from "../lambdas/domain/headroom.ts";
import { DEFAULT_TIER_DUE_SECONDS, PROVIDER_BATCH_LIMITS } from "../lambdas/domain/limits.ts";
import type { Provider, Tier } from "../lambdas/domain/vocabulary.ts";
import { describeIssues } from "./settings-error.ts";
import { workloadSettingsSchema } from "./workloads/workload-settings.ts";

/** The CDK context key that the settings are read from. */
export const SETTINGS_KEY = "offpeak";

const whole = (min: number, max: number, why = "") => {
  const error = `must be a whole number from ${min} to ${max}${why && `: ${why}`}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};

const TEN_YEARS = 3650;
const days = (min: number, why: string) => whole(min, TEN_YEARS, why);

const seconds = z
  .number({ error: "must be a number of seconds" })
  .positive({ error: "must be above 0 seconds" });

const provider = z.strictObject({
  /** Where the provider is reached, for a proxy or a compatible server; without it, the provider's own address. */
  baseUrl: z.url({ protocol: /^https?$/, error: "must be an http or https URL" }).optional(),
});

/** Caps of the stage below the limits of the provider, which no setting can raise. */
function batchCaps(name: Provider, maxBytes?: number) {
  const limits = PROVIDER_BATCH_LIMITS[name];
  const cap = (limit: number) => whole(1, limit, `${name}'s own limit`);
  const bytes = cap(limits.maxBytes);
  return z.strictObject({
    maxRequests: cap(limits.maxRequests).optional(),
    maxBytes: maxBytes === undefined ? bytes.optional() : bytes.default(maxBytes),
    maxInputs: cap(limits.maxInputs).optional(),
  });
}

/** What one account may have in the provider's batch queue. */
function headroom(name: Provider) {
  const { enqueuedTokens, batchesPerHour } = DEFAULT_HEADROOM[name];
  const tokens = whole(1, Number.MAX_SAFE_INTEGER, "estimated input tokens of an account's open batches");
  return z
    .strictObject({
      /** Estimated input tokens of open batches, for each model; `null` for no limit. */
      enqueuedTokens: z
        .strictObject({
          default: tokens.nullable().default(enqueuedTokens.default),
          perModel: z.record(z.string().min(1), tokens).default(enqueuedTokens.perModel),
        })
        .prefault({}),
      batchesPerHour: whole(1, 100_000).default(batchesPerHour),
    })
    .prefault({});
}

const RETENTION_CHOICES = Object.values(RetentionDays).filter(
  (value) => typeof value === "number" && value !== RetentionDays.INFINITE,
);
/** What CloudWatch Logs offers, up to ten years. */
const logRetentionDays = z
  .enum(RetentionDays)
  .exclude(["INFINITE"], { error: `must be one of ${RETENTION_CHOICES.join(", ")}` });

/**
 * What a team decides of its stage. Every setting has a default, and an unknown one is refused. Read from the key
 * `offpeak` of the context in cdk.json, or of `cdk -c offpeak='{…}'`.
 */
const stageSettingsSchema = z.strictObject({
  /** 23 characters at most, so that `<stack>-results-<tenantId>` is a queue name of at most 80. */
  stackName: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,22}$/, {
      error: "must be 1 to 23 letters, digits and '-', beginning with a letter",
    })
    .default("Offpeak"),
  /** How often waiting jobs are put into batches. */
  windowMinutes: whole(1, 60).default(5),
  /** Seconds by which a result is due when the message names no deadline. */
  tierDueSeconds: z
    .strictObject({
      critical: seconds.default(DEFAULT_TIER_DUE_SECONDS.critical),
      high: seconds.default(DEFAULT_TIER_DUE_SECONDS.high),
      normal: seconds.default(DEFAULT_TIER_DUE_SECONDS.normal),
      low: seconds.default(DEFAULT_TIER_DUE_SECONDS.low),
    } satisfies Record<Tier, z.ZodType>)
    .prefault({}),
  /** Days that S3 keeps objects, by what they hold. */
  retention: z
    .strictObject({
      segmentsDays: days(21, "a dead letter is kept 14 days and points into its segment").default(35),
      batchesDays: days(7, "a batch is settled from these objects").default(35),
      resultsDays: days(31, "a duplicate gets the first result for 30 days").default(35),
      uploadsDays: days(5, "a message may wait 4 days before its upload is copied").default(14),
      inboxDays: days(5, "a message may wait 4 days before what it names is read").default(35),
      windowsDays: days(7, "batches are written from these objects").default(35),
      deadLettersDays: days(14, "dead letters are kept 14 days and point to these objects").default(14),
    })
    .prefault({}),
  /** What happens to tables, bucket and secrets when the stack is deleted. `destroy` needs the bucket emptied first. */
  removalPolicy: z.enum(["retain", "destroy"], { error: "must be retain or destroy" }).default("retain"),
  providers: z.strictObject({ openai: provider.prefault({}), anthropic: provider.prefault({}) }).prefault({}),
  /** Anthropic takes a batch as the body of one request: its default is small enough to be sent again without regret. */
  batchCaps: z
    .strictObject({
      openai: batchCaps("openai").prefault({}),
      anthropic: batchCaps("anthropic", 32_000_000).prefault({}),
    })
    .prefault({}),
  /** Multiplies the waits of the failure policy before the next attempt in a batch, and those of a held account. */
  waitFactor: z
    .number({ error: "must be a number" })
    .positive({ error: "must be above 0" })
    .max(10)
    .default(1),
  /** What becomes of a batch's input and output at the provider once it is settled: our own copies stay as `retention` says. */
  providerFiles: z.enum(["delete", "keep"], { error: "must be delete or keep" }).default("delete"),
  /** Jobs that make a batch worth its fixed cost; smaller groups wait while their due times allow. */
  minBatchJobs: whole(1, 50_000).default(50),
  /**
   * Until so many seconds before its earliest due time a smaller group waits for company in any case; from then on it waits
   * while that is worth it, and then goes into a batch or takes a direct lane, whichever is cheaper.
   */
  batchLeadSeconds: whole(0, 86_400).default(7200),
  /**
   * When the jobs of a late batch move to a faster lane: their due time, less what it takes to begin all of them, one call
   * (flex where it is sold, else sync), and the margin.
   */
  escalation: z
    .strictObject({
      /** Jobs that the direct lanes of one provider account begin each second. */
      jobsPerSecond: z
        .number({ error: "must be a number of jobs" })
        .positive({ error: "must be above 0" })
        .default(DEFAULT_ESCALATION_SECONDS.jobsPerSecond),
      /** Seconds to spare: for the minute between two looks, a worker that dies, and queues. */
      marginSeconds: z
        .number({ error: "must be a number of seconds" })
        .nonnegative({ error: "must not be below 0 seconds" })
        .default(DEFAULT_ESCALATION_SECONDS.marginSeconds),
      /** Seconds that one call in each lane may take. */
      flexSeconds: seconds.default(DEFAULT_ESCALATION_SECONDS.flexSeconds),
      syncSeconds: seconds.default(DEFAULT_ESCALATION_SECONDS.syncSeconds),
      /** Seconds from stopping a late batch until what it has not done is planned again. */
      stopSeconds: seconds.default(DEFAULT_ESCALATION_SECONDS.stopSeconds),
    })
    .prefault({}),
  /** How lanes are weighed against each other. */
  lanes: z
    .strictObject({
      /** The chance that a flex call is refused for want of capacity: sync is paid then. */
      flexRefusal: z
        .number({ error: "must be a number from 0 to 1" })
        .min(0, { error: "must be a number from 0 to 1" })
        .max(1, { error: "must be a number from 0 to 1" })
        .default(0.3),
      /**
       * Multiplies the times that are expected of windows and, until enough were seen, of batches (half in 10 minutes, 90 %
       * within an hour): below 1 where everything runs faster than the clock, as on one machine.
       */
      timeFactor: z
        .number({ error: "must be a number" })
        .positive({ error: "must be above 0" })
        .max(10)
        .default(1),
    })
    .prefault({}),
  /** What the provider's batch queue may hold of each account; what does not fit waits. Set it to what your account has. */
  headroom: z.strictObject({ openai: headroom("openai"), anthropic: headroom("anthropic") }).prefault({}),
  /** Most jobs that one window places; the rest waits for the next. */
  maxWindowJobs: whole(1, 1_000_000).default(200_000),
  /** Bytes of the largest request, uploaded ones included. */
  maxRequestBytes: whole(1024, 64 * 1024 * 1024).default(8 * 1024 * 1024),
  /** How messages of the tiers that wait are gathered: larger batches make fewer and larger segments. */
  admission: z
    .strictObject({
      batchSize: whole(1, 10_000).default(1000),
      batchingWindowSeconds: whole(0, 20, "messages that are gathered count as in flight").default(10),
      /** Admissions at the same time, for each queue. */
      maxConcurrency: whole(2, 1000).default(5),
    })
    .refine(({ batchSize, batchingWindowSeconds }) => batchSize <= 10 || batchingWindowSeconds > 0, {
      path: ["batchingWindowSeconds"],
      error: "must be 1 or more when batchSize is above 10",
    })
    .prefault({}),
  /** How urgent jobs are taken: few at a time, at once. Without `maxConcurrency`, as many as the account allows. */
  direct: z
    .strictObject({
      batchSize: whole(1, 10).default(5),
      maxConcurrency: whole(2, 1000).optional(),
      /** Workers for what windows, late batches and dead letters have called directly. */
      runsConcurrency: whole(2, 1000).default(10),
      /**
       * When a critical call is made a second time: after this share of the time between its begin and the job's due time,
       * if no answer has come. 0: never. At a median of 2 s, with 99 % under 4 s and 5 s to answer in, about 5 % are doubled.
       */
      hedgeShare: z
        .number({ error: "must be a number" })
        .min(0, { error: "must not be below 0" })
        .max(0.95, { error: "must not be above 0.95: a second call needs time to answer" })
        .default(0.65),
      /** Calls of the flex lane that one worker waits for at a time, and for how long. */
      flexBatchSize: whole(1, 200).default(50),
      flexCallSeconds: whole(1, 720, "a worker lives 15 minutes, and the next lane needs some").default(720),
    })
    .prefault({}),
  /** The workloads that come with the gateway. */
  workloads: workloadSettingsSchema.prefault({}),
  logRetentionDays: logRetentionDays.default(RetentionDays.ONE_MONTH),
  architecture: z.enum(["arm64", "x86_64"], { error: "must be arm64 or x86_64" }).default("arm64"),
  /** Queues of tenants that are not named `<stack>-results-<tenantId>`, such as those in other accounts. */
  extraDeliveryQueueArns: z
    .array(
      z.string().regex(/^arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,80}$/, {
        error: "must be the ARN of an SQS queue, without wildcards",
      }),
    )
    .default([]),
  /** Who may send to the job queues besides the identities that this account's IAM policies allow to. */
  senderArns: z
    .array(
      z.string().regex(/^arn:aws[a-z-]*:iam::\d{12}:(root|(role|user)\/[\w+=,.@/-]+)$/, {
        error: "must be the ARN of an IAM role, user or account root, without wildcards",
      }),
    )
    .default([]),
  /** An SNS topic that alarms are sent to; without it they only show in CloudWatch. */
  alarmTopicArn: z
    .string()
    .regex(/^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$/, {
      error: "must be the ARN of an SNS topic",
    })
    .optional(),
});
export type StageSettings = z.infer<typeof stageSettingsSchema>;

/**
 * The settings in a value of the CDK context: undefined, an object, or JSON text as `cdk -c` gives it. Throws an Error
 * that names every wrong setting with its value and what is allowed.
 */
export function readStageSettings(context: unknown): StageSettings {
  const value = typeof context === "string" ? parseJson(context) : (context ?? {});
  const parsed = stageSettingsSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Error(describeIssues(SETTINGS_KEY, parsed.error.issues, value, stageSettingsSchema));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`context ${SETTINGS_KEY} is not JSON: ${text}`, { cause });
  }
}
