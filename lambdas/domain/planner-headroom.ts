import type { Group } from "./group.ts";
import { type HeadroomLimits, type HeadroomUsed, queueKey, tokenLimit, tokensLeft } from "./headroom.ts";
import type { TenantId } from "./ids.ts";
import type { IndexEntry } from "./job-record.ts";
import { compareUrgency, shareAmongTenants } from "./planner-order.ts";

type Wanted = { readonly group: Group; readonly members: readonly IndexEntry[] };

/** What of a group fits, and what does not. */
type Fitted<Of extends Wanted> = Of & { readonly leftOut: readonly IndexEntry[] };

/**
 * Cuts what groups would put into batches to the tokens that their queues at the provider have room for, shared among
 * tenants by weight, earliest due first within each. A single job larger than the whole limit goes alone once it is the
 * first in turn and nothing else is in the queue, or it would wait for ever. Where only a few of a group's jobs find room
 * beside what is queued already, they wait for the room that its end gives back.
 */
export function cutToHeadroom<Of extends Wanted>(
  groups: readonly Of[],
  { headroom, minBatchJobs }: { readonly headroom?: HeadroomLimits; readonly minBatchJobs: number },
  used: HeadroomUsed,
  weights: ReadonlyMap<TenantId, number> | undefined,
): readonly Fitted<Of>[] {
  const taken = new Set<IndexEntry>();
  const cut = new Set<string>();
  for (const [key, queue] of Map.groupBy(groups, ({ group }) => queueKey(group))) {
    const group = queue[0]?.group;
    if (group === undefined) continue;
    const entries = queue.flatMap(({ members }) => members).toSorted(compareUrgency);
    const first = entries[0];
    const isEmpty = (used.tokens.get(key) ?? 0) === 0;
    const isOversize = first !== undefined && first.tokens > tokenLimit(group, headroom);
    const room = tokensLeft(group, headroom, used);
    const fitting =
      isEmpty && isOversize
        ? [first]
        : shareAmongTenants(entries, ({ tokens }) => tokens, room, weights).taken;
    for (const entry of fitting) taken.add(entry);
    if (!isEmpty && fitting.length < entries.length) cut.add(key);
  }
  return groups.map((wanted) => {
    const { members, group } = wanted;
    const fitting = members.filter((entry) => taken.has(entry));
    const isTooFew = fitting.length < Math.min(minBatchJobs, members.length) && cut.has(queueKey(group));
    const placed = isTooFew ? [] : fitting;
    const kept = new Set(placed);
    return { ...wanted, members: placed, leftOut: members.filter((entry) => !kept.has(entry)) };
  });
}
