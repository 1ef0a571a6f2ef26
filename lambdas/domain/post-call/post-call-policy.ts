import { z } from "zod";

/** How a tenant's calls are looked at; present: the workload is on for the tenant. */
export const postCallPolicySchema = z.strictObject({
  /** Of which trade the tenant's calls are: those of one vertical share their instructions, whoever the tenant is. */
  vertical: z.string().min(1).max(64).default("general"),
  /** An OpenAI model that answers in a given schema, or an alias of the tenant's routes. */
  model: z.string().min(1).default("gpt-5-nano"),
});
export type PostCallPolicy = z.infer<typeof postCallPolicySchema>;
