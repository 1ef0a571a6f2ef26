import { z } from "zod";
import type { TenantId } from "./ids.ts";
import { endpointSchema, providerSchema } from "./vocabulary.ts";

/**
 * What may share one provider batch: one account, one endpoint, one model, and one isolation, which is `shared` or
 * names the only tenant allowed in.
 */
export const groupSchema = z.object({
  provider: providerSchema,
  account: z.string().min(1),
  endpoint: endpointSchema,
  model: z.string().min(1),
  isolation: z.string().min(1),
});
export type Group = z.infer<typeof groupSchema>;

export const SHARED = "shared";

/** The isolation of a tenant that shares with nobody; the prefix keeps a tenant called "shared" apart from all. */
export function dedicatedTo(tenantId: TenantId): string {
  return `tenant:${tenantId}`;
}

/** One text per group; no component contains the separator. */
export function groupKey(group: Group): string {
  return [group.provider, group.account, group.endpoint, group.model, group.isolation].join("|");
}
