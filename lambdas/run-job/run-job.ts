import { LeaseHeldError, ProviderBusyError, RetryableError } from "../domain/failures.ts";
import { type CallFailure, callPolicy, decideCallFailure } from "../domain/failure-policy.ts";
import { workedOnBy } from "../domain/job-record.ts";
import type { Job, RunningJob } from "../domain/job-state.ts";
import { EXPIRES_AFTER_DUE_MS } from "../domain/planner.ts";
import { failedResult } from "../domain/settle-line.ts";
import type { CallOutcome } from "./call-provider.ts";
import { deadLetterAgain, deadLetterJob } from "./dead-letter-job.ts";
import {
  DIRECT_SETTINGS,
  type DirectRun,
  type DirectSettings,
  type DirectWork,
  type LaneChoice,
  type RunPorts,
} from "./direct-work.ts";
import {
  finishFailed,
  finishSucceeded,
  recordLostCall,
  resumeCall,
  settleAgain,
  storeFailure,
} from "./finish-job.ts";
import { handOn, handOnAgain } from "./hand-on.ts";
import { type EndedCall, makeCalls } from "./make-calls.ts";
import { settleOpenCalls } from "./open-calls.ts";
import { rateGate } from "./rate-gate.ts";
import { takeLease } from "./take-lease.ts";

export { RUN_LEASE_MS } from "./direct-work.ts";

/** Milliseconds that a worker waits for a provider's limits, with the message in its hands. */
const LONGEST_WAIT_MS = 60_000;

const TOO_LATE = {
  code: "expired",
  message:
    "no answer had come when the job was due, and its tenant asks for none after that; a call that was under way was cut off",
};

export type RunOutcome =
  | { readonly kind: "ended" | "dead-lettered" | "handed-on" }
  | { readonly kind: "duplicate" | "conflict"; readonly job: Job };

/**
 * Runs one job at once: lease and call intent in one write, call, settle. Whatever dies in between, the next worker
 * finds either the stored answer (and settles it) or an intent without one (and records what it may have cost).
 * Throws LeaseHeldError while another worker has the job, ProviderBusyError when the provider asks for a longer wait than
 * a worker can keep, and RetryableError when there is no time for another call.
 */
export async function runJob(
  work: DirectWork,
  ports: RunPorts,
  settings: DirectSettings = DIRECT_SETTINGS,
): Promise<RunOutcome> {
  const { runtime } = ports;
  const gate = ports.gate ?? rateGate(runtime);
  const run: DirectRun = { work, ports, settings, gate, owner: runtime.uniqueId(), began: runtime.now() };
  const accounted = new Set<number>();
  let next: Next = { choice: work.choice, goesOn: "counted", waitedMs: 0, refused: 0 };
  let round: Round | undefined;
  for (;;) {
    const waitedMs = next.waitedMs + (await waitForTurn(run, next.choice));
    const leased = await takeLease(run, next.choice, next.goesOn);
    if (leased.kind === "busy")
      throw new LeaseHeldError(`job ${work.record.jobId} is being run by another worker`);
    if (leased.kind === "conflict") return leased;
    await settleOpenCalls(leased.job, work, accounted, ports);
    if (leased.kind === "duplicate") {
      await settleAgain(leased.job, work.record, ports);
      await deadLetterAgain(leased.job, work, ports);
      await handOnAgain(leased.job, work, ports);
      return leased;
    }
    if (leased.lost !== null) {
      const { intent } = leased.lost;
      const resumed = await resumeCall(work.record, intent, ports);
      if (resumed === "succeeded") return { kind: "ended" };
      if (resumed === "unanswered") await recordLostCall(work.record, intent, ports);
      accounted.add(intent.attempt);
      // Only now may the lost attempt give way to our own.
      next = { ...next, waitedMs };
      continue;
    }
    // What befell the calls of a round that another worker began is not known any more.
    round ??= { isSpared: leased.job.attempt > leased.job.roundStart };
    const outcome = await attemptCall(run, leased.job, { ...next, waitedMs }, round);
    if (outcome.kind !== "again") return { kind: outcome.kind };
    round = { isSpared: round.isSpared || !callPolicy(outcome.seen).endsJob };
    for (let { attempt } = leased.job; attempt <= outcome.attempt; attempt += 1) accounted.add(attempt);
    next = outcome.next;
  }
}

/** What is known of the calls of a round: whether one failed over something that ends no job, or may have. */
type Round = { readonly isSpared: boolean };

/** Where the next call is made, how it follows from the last, and how long the provider was waited for until now. */
type Next = {
  readonly choice: LaneChoice;
  readonly goesOn: "counted" | "spared";
  readonly waitedMs: number;
  /** Calls that were refused for want of capacity. */
  readonly refused: number;
};

type Attempt =
  | { readonly kind: "ended" | "dead-lettered" | "handed-on" }
  /** `attempt`: the last that was called and is accounted for. */
  | { readonly kind: "again"; readonly seen: CallFailure; readonly attempt: number; readonly next: Next };

/** Waits until the provider's limits let the job be called, and begins nothing that would outlast the worker. */
async function waitForTurn(run: DirectRun, { lane }: LaneChoice): Promise<number> {
  const { work, ports, settings, gate, began } = run;
  const { record } = work;
  const now = ports.runtime.now();
  if (isTooLate(run)) return 0;
  const latest = began + settings.workMs - settings.callMs[lane];
  if (now > latest) throw new RetryableError(`no time is left to call for job ${record.jobId} again`);
  const until = Math.min(now + LONGEST_WAIT_MS, latest, record.cancelAtDue ? record.due : Infinity);
  try {
    const waitedMs = await gate.enter(record.group, record, until);
    if (waitedMs > 0 && now <= record.due && record.due < now + waitedMs)
      ports.tell?.delayed?.({ tenantId: record.tenantId, jobId: record.jobId, waitedMs });
    return waitedMs;
  } catch (error) {
    if (!(error instanceof ProviderBusyError) || !record.cancelAtDue || until < record.due) throw error;
    // It would not be called any more: its tenant is told when it is due.
    const left = Math.max(0, record.due - ports.runtime.now());
    await ports.runtime.sleep(left);
    return record.due - now;
  }
}

/** Whether nobody wants an answer any more: then no call is begun. */
function isTooLate({ work: { record }, ports }: DirectRun): boolean {
  return record.cancelAtDue === true && ports.runtime.now() >= record.due;
}

/** One attempt under the lease: the call, or two of them, and what follows. */
async function attemptCall(
  run: DirectRun,
  begun: RunningJob,
  { choice, waitedMs, refused }: Next,
  { isSpared }: Round,
): Promise<Attempt> {
  const { work, ports } = run;
  const { record } = work;
  const { lane } = choice;
  if (isTooLate(run)) {
    const context = { lane, producedAt: ports.runtime.now() };
    await finishFailed(
      record,
      begun,
      failedResult(record, begun.attempt, TOO_LATE, context, "expired"),
      ports,
    );
    return { kind: "ended" };
  }
  const { decisive, other, job } = await makeCalls(run, begun, choice);
  const { outcome, intent, endedAt: producedAt } = decisive;
  const waited = waitedMs + producedAt - begun.intent.at;
  if (outcome.kind === "answered") {
    await finishSucceeded(record, intent, outcome, producedAt, ports);
    ports.tell?.ran?.({ tier: record.tier, overheadMs: ports.runtime.now() - run.began - waited });
    if (other !== null) await accountFor(await other, work, ports);
    return { kind: "ended" };
  }
  if (other !== null) await accountFor(await other, work, ports);
  const { seen, code, message } = outcome;
  const lost = callPolicy(seen).unconfirmed;
  if (lost) await recordLostCall(record, intent, ports);
  if (isTooLate(run)) {
    const result = failedResult(record, job.attempt, TOO_LATE, { lane, producedAt }, "expired");
    await finishFailed(record, job, result, ports);
    return { kind: "ended" };
  }
  const result = failedResult(record, job.attempt, { code, message }, { lane, producedAt });
  const isOverdue = producedAt >= workedOnBy(record) + EXPIRES_AFTER_DUE_MS;
  const decision = decideCallFailure(seen, job, { last: work.last, isOverdue, isSpared });
  if (decision.kind === "fail") {
    await finishFailed(record, job, result, ports);
    return { kind: "ended" };
  }
  if (!lost) await storeFailure(record, job.attempt, result, ports);
  switch (decision.kind) {
    case "dead-letter":
      await deadLetterJob(work, job, outcome, ports);
      return { kind: "dead-lettered" };
    case "again": {
      const again = seen === "no-capacity" ? pauseForFlex(run, refused) : null;
      const pause = again ?? pauseAfter(outcome, job);
      await ports.runtime.sleep(pause);
      const { counts } = callPolicy(seen);
      const nextChoice = again === null ? choiceAfter(choice, outcome) : choice;
      if (nextChoice.lane !== lane && (await handOn(run, job, { choice: nextChoice, code, counts })))
        return { kind: "handed-on" };
      const next: Next = {
        choice: nextChoice,
        goesOn: counts ? "counted" : "spared",
        waitedMs: waited + pause,
        refused: refused + 1,
      };
      return { kind: "again", seen, attempt: job.attempt, next };
    }
  }
}

/** A call that does not decide its job: its answer is charged, and what failed is kept from being taken for lost. */
async function accountFor(
  { intent, outcome, endedAt }: EndedCall,
  { record }: DirectWork,
  ports: RunPorts,
): Promise<void> {
  if (outcome.kind === "answered") return finishSucceeded(record, intent, outcome, endedAt, ports);
  if (callPolicy(outcome.seen).unconfirmed) return recordLostCall(record, intent, ports);
  const context = { lane: intent.lane ?? ("sync" as const), producedAt: endedAt };
  return storeFailure(record, intent.attempt, failedResult(record, intent.attempt, outcome, context), ports);
}

type FailedOutcome = Extract<CallOutcome, { kind: "failed" }>;

/** Milliseconds until flex is called again; null when it was called often enough, or sync would not be in time after it. */
function pauseForFlex({ work, ports, settings, began }: DirectRun, refused: number): number | null {
  const { flexAgain, callMs, workMs } = settings;
  if (flexAgain === undefined || refused >= flexAgain.times) return null;
  const over = ports.runtime.now() + flexAgain.pauseMs + callMs.flex;
  return over <= began + workMs && over + callMs.sync <= work.record.due ? flexAgain.pauseMs : null;
}

/** After the cheaper lane comes sync, whatever that failed over, and at once. */
function choiceAfter(choice: LaneChoice, { seen, code }: FailedOutcome): LaneChoice {
  if (choice.lane === "sync") return choice;
  const why = seen === "no-capacity" ? "flex had no capacity" : `flex failed (${code})`;
  return { lane: "sync", reason: `${why}; before: ${choice.reason}` };
}

/** Milliseconds before the next call: a quarter second, doubling, where the provider asked for none. Somebody waits for these jobs. */
function pauseAfter({ seen, retryAfterMs }: FailedOutcome, job: RunningJob): number {
  if (seen === "no-capacity" || retryAfterMs !== null) return 0;
  return 250 * 2 ** (job.attempt - job.roundStart);
}
