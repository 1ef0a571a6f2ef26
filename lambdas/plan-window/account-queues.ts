import type { PlannedBatch } from "../domain/batch-record.ts";
import type { BatchTime } from "../domain/batch-time.ts";
import { completionEstimate, type DoneWithin } from "../domain/completion-times.ts";
import { headroomUsed, queueKey } from "../domain/headroom.ts";
import type { Instant } from "../domain/instant.ts";
import type { IndexEntry } from "../domain/job-record.ts";
import type { PlanCircumstances, PlanSettings } from "../domain/planner.ts";
import { ownModelName } from "../domain/prices.ts";
import type { Batches } from "../ports.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Where a day holds so many batches, older ones say little more. */
const ENOUGH_TIMES = 100;
/** More would only take longer to read. */
const MOST_TIMES = 2000;

type AccountQueue = {
  readonly account: string;
  readonly open: readonly PlannedBatch[];
  readonly planned: number;
};

/**
 * What the accounts of some entries have at their providers, each account read once: what their queues hold where headroom
 * is limited, and how long their batches take where lanes are weighed.
 */
export async function readAccounts(
  entries: readonly IndexEntry[],
  batches: Batches,
  { lanes, headroom }: PlanSettings,
  now: Instant,
): Promise<Pick<PlanCircumstances, "used" | "doneWithin">> {
  if (lanes === undefined && headroom === undefined) return {};
  const queues: AccountQueue[] = [];
  const doneWithin = new Map<string, DoneWithin>();
  const byAccount = Map.groupBy(entries, ({ group }) => group.account);
  for (const [account, own] of byAccount) {
    const open = await Array.fromAsync(batches.listOpen(account));
    const planned = headroom === undefined ? 0 : await countPlanned(account, batches, now);
    queues.push({ account, open, planned });
    if (lanes === undefined) continue;
    const times = (await readTimes(account, batches, now)).map(named);
    // An orphan is watched only for its bill: it tells nothing of what is sent now.
    const waiting = open
      .filter(({ orphanOf }) => orphanOf === null)
      .map(({ group, plannedAt }) => ({ model: ownModelName(group.model), plannedAt }));
    for (const group of new Map(own.map((entry) => [queueKey(entry.group), entry.group])).values())
      doneWithin.set(
        queueKey(group),
        completionEstimate({ times, open: waiting }, ownModelName(group.model), now, lanes.timeFactor),
      );
  }
  return { used: headroomUsed(queues), doneWithin };
}

function named(time: BatchTime): BatchTime {
  return { ...time, model: ownModelName(time.model) };
}

async function countPlanned(account: string, batches: Batches, now: Instant): Promise<number> {
  let planned = 0;
  for await (const _plan of batches.listPlanned(account, now - HOUR_MS, now + 1)) planned += 1;
  return planned;
}

/** The last day's times; the last week's where those are few. */
async function readTimes(account: string, batches: Batches, now: Instant): Promise<BatchTime[]> {
  const lastDay = await latestTimes(account, batches, now - DAY_MS);
  return lastDay.length < ENOUGH_TIMES ? latestTimes(account, batches, now - 7 * DAY_MS) : lastDay;
}

async function latestTimes(account: string, batches: Batches, since: Instant): Promise<BatchTime[]> {
  let latest: BatchTime[] = [];
  for await (const time of batches.times(account, since)) {
    latest.push(time);
    // Told oldest first: of too many, the last are kept.
    if (latest.length === 2 * MOST_TIMES) latest = latest.slice(MOST_TIMES);
  }
  return latest.slice(-MOST_TIMES);
}
