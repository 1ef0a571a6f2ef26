import { z } from "zod";
import { tenantIdSchema } from "./ids.ts";
import { templateProblems } from "./lead-scoring/email-template.ts";
import { isModelName } from "./prices.ts";
import { tierSchema } from "./vocabulary.ts";
import { workloadPoliciesSchema } from "./workloads.ts";

export const STORED_POLICY_VERSION = 1;

/** What a team says of a tenant: one entry of the tenants file. Every field but the id has a default. */
export const tenantPolicySchema = z.strictObject({
  tenantId: tenantIdSchema,
  /** `dedicated`: this tenant's jobs never share a provider batch with another tenant's. */
  isolation: z.enum(["shared", "dedicated"]).default("shared"),
  /** Where results go. Without `queueUrl` the tenant has its own queue, `<stack>-results-<tenantId>`. */
  delivery: z.strictObject({ type: z.literal("sqs"), queueUrl: z.url().optional() }).default({ type: "sqs" }),
  /**
   * Whose messages may name this tenant: SQS `SenderId`s, for a role the `AROA…` before the colon. Empty: whoever the
   * job queues' own policies let send.
   */
  senders: z.array(z.string().min(1)).default([]),
  /** Tiers by task type, before the defaults. */
  tiers: z.record(z.string(), tierSchema).default({}),
  /** Task types of the never-batched kinds that this tenant allows in batches all the same. */
  batchAllowed: z.array(z.string()).default([]),
  /**
   * Models by alias: what a request may name in place of a model, and which one it gets by its job's tier; `default` for
   * the tiers that are left out.
   */
  routes: z
    .record(
      z.string().min(1).max(64),
      z.strictObject({
        default: z.string().min(1),
        critical: z.string().min(1).optional(),
        high: z.string().min(1).optional(),
        normal: z.string().min(1).optional(),
        low: z.string().min(1).optional(),
      }),
    )
    .default({}),
  /** What the tenant may use of the gateway. Without a limit there is none. */
  limits: z
    .strictObject({
      /** Jobs that are admitted in one minute. */
      jobsPerMinute: z.int().positive().optional(),
      /** Estimated and settled cost of the jobs admitted in one UTC day, in micro-dollars. */
      dailyBudgetMicroUsd: z.number().positive().optional(),
      /** What becomes of a job above a limit: it waits until there is room, or is refused. */
      onLimit: z.enum(["defer", "refuse"]).default("defer"),
      /** The tenant's part of what is scarce, in proportion to those of the others. */
      weight: z.number().positive().max(1000).default(1),
    })
    .prefault({}),
  /** Tiers whose calls are cut off at the due time, as nobody waits for the answer any longer. */
  cancelAtDue: z.array(tierSchema).default([]),
  /** The workloads that are on for the tenant, where the stage has them. */
  workloads: workloadPoliciesSchema.default({}),
});
export type TenantPolicy = z.infer<typeof tenantPolicySchema>;

export const tenantsFileSchema = z
  .array(tenantPolicySchema, { error: "must be a list of tenants, [{ … }]" })
  .refine((policies) => new Set(policies.map((policy) => policy.tenantId)).size === policies.length, {
    error: "a tenant is listed twice",
  })
  .superRefine((policies, context) => {
    for (const [number, { workloads }] of policies.entries()) {
      const { template } = workloads.leadScoring ?? {};
      for (const message of template ? templateProblems(template) : [])
        context.addIssue({ code: "custom", message, path: [number, "workloads", "leadScoring", "template"] });
    }
    // Asked of a file and not of what is stored: a release that knows more models must still read every policy.
    for (const [number, { routes }] of policies.entries()) {
      for (const alias of Object.keys(routes).filter(isModelName)) {
        const message = `"${alias}" is the name of a model: an alias needs a name of its own`;
        context.addIssue({ code: "custom", message, path: [number, "routes", alias] });
      }
    }
  });

/** A tenant as stored: its policy with the queue resolved, the salt of its job ids, and the revision of the policy. */
export const tenantSchema = z.object({
  version: z.literal(STORED_POLICY_VERSION),
  policy: tenantPolicySchema,
  salt: z.string().min(32),
  revision: z.number().int().positive(),
  updatedAt: z.number(),
});
export type Tenant = z.infer<typeof tenantSchema>;
