import type { Refusal } from "../domain/admission.ts";
import { budgetOf, reservedFor } from "../domain/budget.ts";
import type { TenantId } from "../domain/ids.ts";
import { type Instant, toIso, utcDate } from "../domain/instant.ts";
import type { JobRecord } from "../domain/job-record.ts";
import type { Job } from "../domain/job-state.ts";
import { nextMinute } from "../domain/rate-limit.ts";
import type { Budgets, JobMap, Runtime } from "../ports.ts";
import type { OpenedJob } from "./admit-jobs.ts";

const DAY_MS = 86_400_000;
/** Days after today of whose budgets a job may have a part: longer than any job waits. */
const DAYS_AHEAD = 8;

/** The day's budget of a tenant is used to `share` (1: all of it) for the first time that day. */
export type BudgetWarning = { readonly tenantId: TenantId; readonly day: string; readonly share: number };

export type LimitPorts = {
  readonly jobs: Pick<JobMap, "get" | "getMany">;
  readonly budgets: Budgets;
  readonly runtime: Pick<Runtime, "now">;
  readonly warn?: (warning: BudgetWarning) => void;
};

export type RefusedJob = { readonly job: OpenedJob; readonly refusal: Refusal };

/** What may go on: some of it not before a later moment, and with what was reserved for it. The rest is refused. */
export type LimitedJobs = { readonly placed: readonly OpenedJob[]; readonly refused: readonly RefusedJob[] };

/**
 * Holds jobs against their tenants' limits, before any is claimed. `chunk` names what reserves: the segment that they are
 * to lie in, or the one direct job. Jobs that are there already pass: a message that is delivered again is never refused
 * what it was given, and reserves nothing twice. Tenants without limits cost nothing. `day`: the UTC day whose budget
 * pays, where it is not to be the day on which a job may begin.
 */
export async function applyLimits(
  jobs: readonly OpenedJob[],
  chunk: string,
  ports: LimitPorts,
  day?: string,
): Promise<LimitedJobs> {
  const known = await knownAmong(jobs.filter(isLimited), ports.jobs);
  const asking = jobs.filter((job) => isLimited(job) && !known.has(job));
  const outcomes = new Map<OpenedJob, Outcome>();
  for (const own of Map.groupBy(asking, ({ record }) => record.tenantId).values())
    await limitTenant(own, { chunk, day }, outcomes, ports);
  const placed: OpenedJob[] = [];
  const refused: RefusedJob[] = [];
  for (const job of jobs) {
    const outcome = outcomes.get(job);
    if (outcome === undefined) placed.push(job);
    else if (outcome.kind === "placed") placed.push({ ...job, record: outcome.record });
    // The first look may have been a moment old, and somebody may have placed it since.
    else if (await isKnownNow(job, ports.jobs)) placed.push(job);
    else refused.push({ job, refusal: outcome.refusal });
  }
  return { placed, refused };
}

/** Gives back what was reserved for jobs that turned out to be others' already. `claimed`: those that are not. */
export async function keepClaimed(
  placed: readonly OpenedJob[],
  claimed: ReadonlySet<OpenedJob>,
  chunk: string,
  { budgets }: Pick<LimitPorts, "budgets">,
): Promise<void> {
  const reserving = placed.filter(({ record }) => record.reserved !== undefined);
  const chunks = Map.groupBy(reserving, ({ record }) => `${record.tenantId}#${record.reserved?.day ?? ""}`);
  for (const own of chunks.values()) {
    const [first] = own;
    if (first?.record.reserved === undefined || own.every((job) => claimed.has(job))) continue;
    const left = own
      .filter((job) => claimed.has(job))
      .reduce((sum, { record }) => sum + BigInt(record.reserved?.picoUsd ?? 0), 0n);
    await budgets.settle(first.record.tenantId, first.record.reserved.day, chunk, { left, spent: 0n });
  }
}

type Outcome =
  | { readonly kind: "placed"; readonly record: JobRecord }
  | { readonly kind: "refused"; readonly refusal: Refusal };

function isLimited({ limits }: OpenedJob): boolean {
  return limits.jobsPerMinute !== undefined || limits.dailyBudgetMicroUsd !== undefined;
}

async function knownAmong(jobs: readonly OpenedJob[], map: LimitPorts["jobs"]): Promise<Set<OpenedJob>> {
  if (jobs.length === 0) return new Set();
  const found = await map.getMany(jobs.map(({ record }) => record));
  return new Set(jobs.filter((job, number) => isKnown(job, found[number])));
}

async function isKnownNow(job: OpenedJob, map: LimitPorts["jobs"]): Promise<boolean> {
  return isKnown(job, await map.get(job.record.tenantId, job.record.jobId));
}

/** Whether the job is there, and this message begins nothing: one that may open it again asks like a new one. */
function isKnown({ retry, message }: OpenedJob, job: Job | undefined): boolean {
  if (job === undefined) return false;
  return (
    !retry || job.messageId === message.messageId || (job.state === "ended" && job.status === "succeeded")
  );
}

type Payer = { readonly chunk: string; readonly day: string | undefined };

async function limitTenant(
  jobs: readonly OpenedJob[],
  payer: Payer,
  outcomes: Map<OpenedJob, Outcome>,
  ports: LimitPorts,
): Promise<void> {
  const now = ports.runtime.now();
  const starts = await takePlaces(jobs, now, outcomes, ports);
  const waiting = jobs.filter((job) => starts.has(job));
  const budget = jobs[0]?.limits.dailyBudgetMicroUsd;
  if (budget === undefined) {
    for (const job of waiting)
      outcomes.set(job, { kind: "placed", record: deferred(job, starts.get(job), now) });
    return;
  }
  await reserveAll(waiting, starts, { ...payer, budget: budgetOf(budget), now }, outcomes, ports);
}

/** When each job may begin by the tenant's rate; those for which there is no room are refused. */
async function takePlaces(
  jobs: readonly OpenedJob[],
  now: Instant,
  outcomes: Map<OpenedJob, Outcome>,
  { budgets }: LimitPorts,
): Promise<Map<OpenedJob, Instant>> {
  const [first] = jobs;
  const limit = first?.limits.jobsPerMinute;
  if (first === undefined || limit === undefined) return new Map(jobs.map((job) => [job, now]));
  const before = jobs.map((job) =>
    mayWait(job) ? Math.max(job.record.due, nextMinute(now)) : nextMinute(now),
  );
  const places = await budgets.takePlaces(first.record.tenantId, { limit, now, before });
  const starts = new Map<OpenedJob, Instant>();
  for (const [number, job] of jobs.entries()) {
    const place = places[number];
    if (typeof place === "number") starts.set(job, Math.max(place, now));
    else outcomes.set(job, { kind: "refused", refusal: rateLimited(limit, mayWait(job), now) });
  }
  return starts;
}

/** Jobs that run at once have nowhere to wait; the rest waits where the tenant's policy says so. */
function mayWait({ record, limits }: OpenedJob): boolean {
  return record.lane === "batch" && limits.onLimit === "defer";
}

type BudgetRound = Payer & { readonly budget: bigint; readonly now: Instant };

/** Reserves each job in the budget of the day on which it may begin, else of the first day after that has room. */
async function reserveAll(
  jobs: readonly OpenedJob[],
  starts: ReadonlyMap<OpenedJob, Instant>,
  { chunk, day: fixedDay, budget, now }: BudgetRound,
  outcomes: Map<OpenedJob, Outcome>,
  { budgets, warn }: LimitPorts,
): Promise<void> {
  let asking = jobs.map((job) => ({
    job,
    start: starts.get(job) ?? now,
    amount: reservedFor(job.record, now),
  }));
  for (let ahead = 0; ahead <= DAYS_AHEAD && asking.length > 0; ahead += 1) {
    const left: typeof asking = [];
    for (const [day, own] of Map.groupBy(asking, ({ start }) => fixedDay ?? utcDate(start))) {
      const [first] = own;
      if (first === undefined) continue;
      const { tenantId } = first.job.record;
      const amounts = own.map(({ amount }) => amount);
      const { granted, warning } = await budgets.reserve(tenantId, day, { chunk, amounts, budget, at: now });
      if (warning !== null) warn?.({ tenantId, day, share: warning });
      for (const [number, one] of own.entries()) {
        if (granted[number]) {
          const reserved = { day, picoUsd: one.amount.toString() };
          const record = { ...deferred(one.job, one.start, now), reserved };
          outcomes.set(one.job, { kind: "placed", record });
          continue;
        }
        const midnight = Date.parse(day) + DAY_MS;
        if (mayWait(one.job) && midnight < one.job.record.due && one.amount <= budget)
          left.push({ ...one, start: midnight });
        else outcomes.set(one.job, { kind: "refused", refusal: overBudget(one.amount, budget, midnight) });
      }
    }
    asking = left;
  }
  for (const { job, amount, start } of asking)
    outcomes.set(job, { kind: "refused", refusal: overBudget(amount, budget, start) });
}

function deferred({ record }: OpenedJob, start: Instant | undefined, now: Instant): JobRecord {
  if (start === undefined || start <= now) return record;
  const laneReason = `${record.laneReason}; not before ${toIso(start)}, by the tenant's limits`;
  return { ...record, notBefore: start, laneReason };
}

function rateLimited(limit: number, waited: boolean, now: Instant): Refusal {
  const again = waited
    ? "every minute until it is due is taken: send fewer, or with a later deadline"
    : `send it again at ${toIso(nextMinute(now))} or later`;
  return { code: "rate_limited", message: `the tenant may have ${limit} jobs a minute; ${again}` };
}

function overBudget(amount: bigint, budget: bigint, again: Instant): Refusal {
  const code = "budget_exceeded";
  if (amount > budget)
    return {
      code,
      message: "the job alone may cost more than the tenant's budget of a day: lower its limit of tokens",
    };
  return {
    code,
    message: `the tenant's budget of the day has no room for what this job may cost; send it again at ${toIso(again)} or later`,
  };
}
