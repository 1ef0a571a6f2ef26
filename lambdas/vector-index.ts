import type { TenantId } from "./domain/ids.ts";
import type { VectorEntry } from "./domain/re-index/vector-entry.ts";

/**
 * Tenants' chunks where they are searched by similarity, an index for each tenant and model. It holds at least what the
 * newest manifest names, and says nothing of what is current: manifests do.
 */
export interface VectorIndex {
  /** Puts each, whatever was there; makes the index before its first. A vector of zeros is like nothing and left out. */
  put(tenantId: TenantId, model: string, entries: readonly VectorEntry[]): Promise<void>;
  /** Deletes those that are there. */
  delete(tenantId: TenantId, model: string, keys: readonly string[]): Promise<void>;
}
