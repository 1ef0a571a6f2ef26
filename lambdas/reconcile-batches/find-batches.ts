import type { BatchRecord } from "../domain/batch-record.ts";
import type { Instant } from "../domain/instant.ts";
import { PROVIDERS } from "../domain/vocabulary.ts";
import type { Batches } from "../ports.ts";

const DAY_MS = 86_400_000;

/** A batch is closed within two days and some hours of its planning: each is compared at least once, day by day. */
export const RECONCILED_MS = 3 * DAY_MS;

/** Longer ago, jobs have begun to leave the job map, and batches their listing. */
export const RECONCILABLE_MS = 30 * DAY_MS;

export type FoundBatches = { readonly closed: readonly BatchRecord[]; readonly open: number };

/** However far the clock of whoever planned is ahead of ours: what is closed was planned. */
const CLOCK_SLACK_MS = 30 * DAY_MS;

/**
 * The batches of all provider accounts planned at or after `from`: the closed ones, latest closed first, and how many are
 * open.
 */
export async function findBatches(
  from: Instant,
  now: Instant,
  batches: Pick<Batches, "get" | "listPlanned">,
): Promise<FoundBatches> {
  const closed: BatchRecord[] = [];
  let open = 0;
  for (const account of PROVIDERS) {
    for await (const { batchId } of batches.listPlanned(account, from, now + CLOCK_SLACK_MS)) {
      const record = await batches.get(batchId);
      if (record?.state === "closed") closed.push(record);
      else open += 1;
    }
  }
  closed.sort((a, b) => (b.closedAt ?? 0) - (a.closedAt ?? 0));
  return { closed, open };
}
