import { LeaseHeldError } from "../domain/failures.ts";
import { type CallFailure, callPolicy, decideCallFailure } from "../domain/failure-policy.ts";
import { workedOnBy } from "../domain/job-record.ts";
import type { Job, RunningJob } from "../domain/job-state.ts";
import { EXPIRES_AFTER_DUE_MS } from "../domain/planner.ts";
import { failedResult } from "../domain/settle-line.ts";
import { callProvider } from "./call-provider.ts";
import { deadLetterAgain, deadLetterJob } from "./dead-letter-job.ts";
import type { DirectWork, RunPorts } from "./direct-work.ts";
import {
  finishFailed,
  finishSucceeded,
  recordLostCall,
  resumeCall,
  settleAgain,
  storeFailure,
} from "./finish-job.ts";
import { settleOpenCalls } from "./open-calls.ts";

/** Longer than the function may run: a lease ends by itself only when its holder is dead. */
export const RUN_LEASE_MS = 200_000;

export type RunOutcome =
  | { readonly kind: "ended" | "dead-lettered" }
  | { readonly kind: "duplicate" | "conflict"; readonly job: Job };

/**
 * Runs one job at once: lease and call intent in one write, call, settle. Whatever dies in between, the next worker
 * finds either the stored answer (and settles it) or an intent without one (and records what it may have cost).
 * Throws LeaseHeldError while another worker has the job.
 */
export async function runJob(work: DirectWork, ports: RunPorts): Promise<RunOutcome> {
  const owner = ports.runtime.uniqueId();
  const accounted = new Set<number>();
  let round: Round | undefined;
  for (;;) {
    const leased = await leaseJob(work, owner, ports);
    if (leased.kind === "busy")
      throw new LeaseHeldError(`job ${work.record.jobId} is being run by another worker`);
    if (leased.kind === "conflict") return leased;
    await settleOpenCalls(leased.job, work, accounted, ports);
    if (leased.kind === "duplicate") {
      await settleAgain(leased.job, work.record, ports);
      await deadLetterAgain(leased.job, work, ports);
      return leased;
    }
    if (leased.lost !== null) {
      const { intent } = leased.lost;
      const resumed = await resumeCall(work.record, intent, ports);
      if (resumed === "succeeded") return { kind: "ended" };
      if (resumed === "unanswered") await recordLostCall(work.record, intent, ports);
      accounted.add(intent.attempt);
      // Only now may the lost attempt give way to our own.
      continue;
    }
    // What befell the calls of a round that another worker began is not known any more.
    round ??= { isSpared: leased.job.attempt > leased.job.roundStart };
    const outcome = await attemptCall(work, leased.job, round, ports);
    if (outcome.kind !== "again") return { kind: outcome.kind };
    round = { isSpared: round.isSpared || !callPolicy(outcome.seen).endsJob };
    accounted.add(leased.job.attempt);
  }
}

function leaseJob(work: DirectWork, owner: string, ports: RunPorts) {
  const { record, messageId, source, retry, attempt } = work;
  const { tenantId, jobId, requestHash, laneReason, receivedAt } = record;
  const claim = { tenantId, jobId, requestHash, messageId, source, lane: "sync" as const, laneReason };
  const now = ports.runtime.now();
  return ports.jobs.lease({
    ...claim,
    receivedAt,
    retry,
    attempt,
    owner,
    now,
    leaseUntil: now + RUN_LEASE_MS,
  });
}

/** What is known of the calls of a round: whether one failed over something that ends no job, or may have. */
type Round = { readonly isSpared: boolean };

type Attempt =
  | { readonly kind: "ended" | "dead-lettered" }
  | { readonly kind: "again"; readonly seen: CallFailure };

/** One attempt under the lease: the call, and what follows from it. */
async function attemptCall(
  work: DirectWork,
  job: RunningJob,
  { isSpared }: Round,
  ports: RunPorts,
): Promise<Attempt> {
  const { record } = work;
  const outcome = await callProvider(record, await ports.direct(record.group.provider));
  const producedAt = ports.runtime.now();
  if (outcome.kind === "answered") {
    await finishSucceeded(record, job, outcome, producedAt, ports);
    return { kind: "ended" };
  }
  const { seen, code, message } = outcome;
  const result = failedResult(record, job.attempt, { code, message }, { lane: "sync", producedAt });
  const lost = callPolicy(seen).unconfirmed;
  if (lost) await recordLostCall(record, job.intent, ports);
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
    case "again":
      await ports.runtime.sleep(outcome.retryAfterMs ?? backOffMs(job.attempt - job.roundStart));
      return { kind: "again", seen };
  }
}

/** Milliseconds before the next call: a quarter second, doubling. Somebody waits for these jobs. */
function backOffMs(failures: number): number {
  return 250 * 2 ** failures;
}
