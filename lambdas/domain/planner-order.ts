import { type Claimant, shareFairly } from "./fair-share.ts";
import type { TenantId } from "./ids.ts";
import type { IndexEntry } from "./job-record.ts";

/** Equal due times in the order of the segments: the same plan whatever order they were read in. */
export function compareUrgency(a: IndexEntry, b: IndexEntry): number {
  return a.due - b.due || compareSources(a, b);
}

/** In the order of the segments, forwards through each. */
export function compareSources(a: IndexEntry, b: IndexEntry): number {
  return a.source.key < b.source.key
    ? -1
    : a.source.key > b.source.key
      ? 1
      : a.source.offset - b.source.offset;
}

/** Shares `capacity` units among tenants by weight; each one's go in the order given, which is by urgency. */
export function shareAmongTenants(
  entries: readonly IndexEntry[],
  unitsOf: (entry: IndexEntry) => number,
  capacity: number,
  weights: ReadonlyMap<TenantId, number> = new Map(),
): { readonly taken: readonly IndexEntry[]; readonly left: readonly IndexEntry[] } {
  if (entries.reduce((sum, entry) => sum + unitsOf(entry), 0) <= capacity)
    return { taken: entries, left: [] };
  const byTenant = Map.groupBy(entries, ({ tenantId }) => tenantId);
  const claimants = [...byTenant].map(([tenantId, items]): Claimant<IndexEntry> => ({
    weight: weights.get(tenantId) ?? 1,
    items,
  }));
  const { taken, left } = shareFairly(claimants, unitsOf, compareUrgency, capacity);
  return { taken: entries.filter((entry) => taken.has(entry)), left };
}
