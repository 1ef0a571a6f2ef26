import { z } from "zod";

/** How a tenant's knowledge base is indexed; present: the workload is on for the tenant. */
export const reIndexPolicySchema = z.strictObject({
  /** The embedding model. Another one has every document embedded again. */
  model: z.string().min(1).default("text-embedding-3-small"),
  /** Days for which an embedding is current; after them its document is embedded again. */
  effectiveForDays: z.int().positive().max(3650).default(365),
});
export type ReIndexPolicy = z.infer<typeof reIndexPolicySchema>;
