import { z } from "zod";
import { tenantIdSchema } from "./ids.ts";
import { tierSchema } from "./vocabulary.ts";

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
});
export type TenantPolicy = z.infer<typeof tenantPolicySchema>;

export const tenantsFileSchema = z
  .array(tenantPolicySchema)
  .refine((policies) => new Set(policies.map((policy) => policy.tenantId)).size === policies.length, {
    error: "a tenant is listed twice",
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
