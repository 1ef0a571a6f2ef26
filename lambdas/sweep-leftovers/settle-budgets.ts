import { type BudgetDay, chunkOwner, type ChunkState, jobState } from "../domain/budget.ts";
import { MissingRecordError } from "../domain/failures.ts";
import type { JobId, SegmentId, TenantId } from "../domain/ids.ts";
import { type Instant, utcDate } from "../domain/instant.ts";
import { type JobHeader, jobHeaderSchema } from "../domain/job-record.ts";
import type { Job } from "../domain/job-state.ts";
import { jsonLines } from "../domain/jsonl.ts";
import { openSegmentKey, segmentIndexKey, segmentKey } from "../domain/object-keys.ts";
import { parseStoredJson } from "../domain/stored-json.ts";
import type { Budgets, JobMap, ObjectStore, Runtime } from "../ports.ts";

const DAY_MS = 86_400_000;
/** No job is worked on for longer than a week and a day; and none is deferred further than that. */
const DAYS = 9;

export type BudgetPorts = {
  readonly budgets: Budgets;
  readonly jobs: Pick<JobMap, "get" | "getMany">;
  readonly objects: Pick<ObjectStore, "stream" | "size">;
  readonly runtime: Pick<Runtime, "now">;
};

/**
 * Gives back what is reserved for jobs that have ended, and counts their cost in its place: for each open reservation of
 * the days that still matter, what the job map says of its jobs now. Doing it twice, or while somebody else does, changes
 * nothing. Returns how many reservations stay open.
 */
export async function settleBudgets(ports: BudgetPorts, failures: unknown[]): Promise<number> {
  const now = ports.runtime.now();
  let open = 0;
  const days = Array.from({ length: 2 * DAYS + 1 }, (_, number) => utcDate(now + (number - DAYS) * DAY_MS));
  for await (const { tenantId, day, budget } of ports.budgets.list(days)) {
    for (const [chunk, { at }] of inTurn(Object.entries(budget.chunks), now)) {
      try {
        if (!(await settleChunk({ tenantId, day, chunk, at, budget }, ports))) open += 1;
      } catch (error) {
        failures.push(error);
      }
    }
  }
  return open;
}

/** From another place each minute: where there are more than one sweep has time for, each has its turn. */
function inTurn<Item>(items: readonly Item[], now: Instant): Item[] {
  const start = items.length === 0 ? 0 : Math.floor(now / 60_000) % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

type OpenChunk = {
  readonly tenantId: TenantId;
  readonly day: string;
  readonly chunk: string;
  readonly at: Instant;
  readonly budget: BudgetDay;
};

/** Whether nothing of the chunk is reserved any more. */
async function settleChunk(open: OpenChunk, ports: BudgetPorts): Promise<boolean> {
  const { tenantId, day, chunk } = open;
  const owner = chunkOwner(chunk);
  const state =
    owner.kind === "direct"
      ? await directState(open, owner, ports)
      : await segmentState(open, owner.segmentId, ports);
  await ports.budgets.settle(tenantId, day, chunk, state);
  return state.left === 0n;
}

async function directState(
  open: OpenChunk,
  { jobId, messageId }: { readonly jobId: JobId; readonly messageId: string },
  ports: BudgetPorts,
): Promise<ChunkState> {
  const job = await ports.jobs.get(open.tenantId, jobId);
  return jobState(job?.messageId === messageId ? job : undefined, reservedIn(open), ageOf(open, ports));
}

async function segmentState(open: OpenChunk, segmentId: SegmentId, ports: BudgetPorts): Promise<ChunkState> {
  const key = segmentKey(segmentId);
  const age = ageOf(open, ports);
  const lines = await linesOf(key, open, ports);
  if (lines === undefined) return jobState(undefined, reservedIn(open), age);
  // Before the jobs are read: whoever finishes a segment that was begun claims them, however late that is.
  const isUnfinished =
    (await isStored(openSegmentKey(segmentId), ports)) &&
    !(await isStored(segmentIndexKey(segmentId), ports));
  const jobs = await ports.jobs.getMany(lines.map(({ header }) => header));
  let left = 0n;
  let spent = 0n;
  for (const [number, { header, line }] of lines.entries()) {
    const job = jobs[number];
    const own = job !== undefined && liesAt(job, key, line) ? job : undefined;
    const state = jobState(own, BigInt(header.reserved?.picoUsd ?? 0), isUnfinished ? 0 : age);
    left += state.left;
    spent += state.spent;
  }
  return { left, spent };
}

async function isStored(key: string, { objects }: BudgetPorts): Promise<boolean> {
  return (await objects.size(key)) !== undefined;
}

type Line = { readonly header: JobHeader; readonly line: number };

/** The segment's lines that reserved in this budget; undefined while there is no such segment. */
async function linesOf(
  key: string,
  { tenantId, day }: OpenChunk,
  { objects }: BudgetPorts,
): Promise<Line[] | undefined> {
  const lines: Line[] = [];
  let line = 0;
  try {
    for await (const { bytes } of jsonLines(objects.stream(key))) {
      const header = parseStoredJson(jobHeaderSchema, bytes);
      if (header.tenantId === tenantId && header.reserved?.day === day) lines.push({ header, line });
      line += 1;
    }
  } catch (error) {
    if (error instanceof MissingRecordError) return undefined;
    throw error;
  }
  return lines;
}

function liesAt({ source }: Job, key: string, line: number): boolean {
  return source !== null && source.key === key && source.line === line;
}

function reservedIn({ budget, chunk }: OpenChunk): bigint {
  return BigInt(budget.chunks[chunk]?.left ?? 0);
}

function ageOf({ at }: OpenChunk, { runtime }: BudgetPorts): number {
  return runtime.now() - at;
}
