import type { Instant } from "../domain/instant.ts";
import type { CallIntent, LeaseOutcome, RunningJob } from "../domain/job-state.ts";
import type { CallAnswer } from "../ports.ts";
import { type CallOutcome, callProvider } from "./call-provider.ts";
import type { DirectRun, LaneChoice } from "./direct-work.ts";
import { takeLease } from "./take-lease.ts";

/** A call that came to its end, whatever that was. */
export type EndedCall = {
  readonly intent: CallIntent;
  readonly outcome: CallOutcome;
  readonly endedAt: Instant;
};

export type MadeCalls = {
  /** The call that decides: the first answer, or the later attempt when neither has one. */
  readonly decisive: EndedCall;
  /** The other of two, which may be under way still; null where there was only one. */
  readonly other: Promise<EndedCall> | null;
  /** The job at the attempt that was begun last. */
  readonly job: RunningJob;
};

/**
 * Calls for a job whose intent is written. For a critical job a second call is made beside the first when that has not
 * answered by the hedge point: as the next attempt, written down before it is sent, so that whoever takes the job over
 * accounts for both.
 */
export async function makeCalls(run: DirectRun, job: RunningJob, choice: LaneChoice): Promise<MadeCalls> {
  const first = called(run, job.intent, choice);
  const hedgeMs = hedgeAfter(run, job, choice);
  if (hedgeMs === null) return { decisive: await first, other: null, job };
  const early = await Promise.race([first, given(timeout(run, hedgeMs))]);
  if (early !== undefined || !run.gate.isOpen(run.work.record.group))
    return { decisive: early ?? (await first), other: null, job };
  const reason = `${choice.reason}; called a second time after ${hedgeMs} ms without an answer`;
  const leased = await takeLease(run, { ...choice, reason }, "hedge").catch(unclear);
  if (leased.kind === "unclear") return afterUnclearLease(run, job, await first, leased.error);
  if (!isOurs(leased)) return { decisive: await first, other: null, job };
  return decide(first.then(hedged), called(run, leased.job.intent, choice), leased.job);
}

type Unclear = { readonly kind: "unclear"; readonly error: unknown };

function unclear(error: unknown): Unclear {
  return { kind: "unclear", error };
}

/** One of two calls for the same answer, as the lease of the second wrote it down. */
function hedged(call: EndedCall): EndedCall {
  return { ...call, intent: { ...call.intent, hedged: true } };
}

/**
 * Nobody knows whether the second call was written down, and it is not made. Where it was, the first is one of two, and
 * whoever has the message next has to account for the other: it is told so by the failure.
 */
async function afterUnclearLease(
  { work, ports }: DirectRun,
  job: RunningJob,
  first: EndedCall,
  error: unknown,
): Promise<MadeCalls> {
  const { tenantId, jobId } = work.record;
  const found = await ports.jobs.get(tenantId, jobId);
  const isWritten = found?.openCalls?.some((call) => call.hedged === true && call.attempt === job.attempt);
  if (!isWritten) return { decisive: first, other: null, job };
  const other = Promise.reject<EndedCall>(error);
  // Thrown by whoever waits for it, and by nobody before.
  other.catch(() => {});
  return { decisive: hedged(first), other, job };
}

function isOurs(leased: LeaseOutcome): leased is Extract<LeaseOutcome, { kind: "leased" }> {
  return leased.kind === "leased" && leased.lost === null;
}

async function decide(
  first: Promise<EndedCall>,
  second: Promise<EndedCall>,
  job: RunningJob,
): Promise<MadeCalls> {
  // Whichever is waited for last: until then nobody hears of its failure.
  for (const call of [first, second]) call.catch(() => {});
  const early = await Promise.race([first, second]);
  const isFirst = early.intent.attempt !== job.intent.attempt;
  const other = isFirst ? second : first;
  if (early.outcome.kind === "answered") return { decisive: early, other, job };
  const late = await other;
  if (late.outcome.kind === "answered") return { decisive: late, other: Promise.resolve(early), job };
  return { decisive: await second, other: first, job };
}

/** Milliseconds after which a second call is made; null: none is. */
function hedgeAfter(
  { work, settings, began }: DirectRun,
  job: RunningJob,
  choice: LaneChoice,
): number | null {
  const { tier, due } = work.record;
  const { at, hedged } = job.intent;
  const left = due - at;
  if (tier !== "critical" || choice.lane !== "sync" || hedged || settings.hedgeShare <= 0 || left <= 0)
    return null;
  const wait = Math.ceil(left * settings.hedgeShare);
  // The second call must end in the worker's time, too.
  return at + wait + settings.callMs.sync <= began + settings.workMs ? wait : null;
}

async function called(run: DirectRun, intent: CallIntent, { lane }: LaneChoice): Promise<EndedCall> {
  const { work, ports, settings, gate } = run;
  const { record } = work;
  const direct = await ports.direct(record.group.provider);
  const left = record.cancelAtDue ? record.due - ports.runtime.now() : Infinity;
  const signal = timeout(run, Math.max(0, Math.min(settings.callMs[lane], left)));
  // What flex has no room for says nothing of the ordinary limits.
  const heard = (answer: CallAnswer) =>
    gate.tell(
      record.group,
      lane === "flex" && answer.statusCode === 429 ? { ...answer, retryAfterMs: null } : answer,
    );
  const outcome = await callProvider(record, { direct, lane, signal, heard });
  return { intent, outcome, endedAt: ports.runtime.now() };
}

function timeout({ ports }: DirectRun, duration: number): AbortSignal {
  return ports.timeout === undefined ? AbortSignal.timeout(duration) : ports.timeout(duration);
}

function given(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
