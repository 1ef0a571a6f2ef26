import { MemoryJobMap } from "../../lambdas/adapters/memory-job-map.ts";
import type { BatchRecord } from "../../lambdas/domain/batch-record.ts";
import type { BatchId, JobId, TenantId } from "../../lambdas/domain/ids.ts";
import type {
  Claim,
  ClaimOutcome,
  DeadLetterMove,
  DirectLease,
  Job,
  JobEnd,
  LeaseOutcome,
  RequeueMove,
  TransitionOutcome,
} from "../../lambdas/domain/job-state.ts";
import { RESULT_FIRST, type StoredKeys } from "./result-checks.ts";

/** What is known of the world outside the job map. */
export type JobMapWorld = StoredKeys & {
  readonly now: () => number;
  readonly batchOf: (batchId: BatchId) => Promise<BatchRecord | undefined>;
  /** When the job's cancels were sent, as far as they were by now. */
  readonly cancelsOf: (jobId: JobId) => readonly number[];
  /** A dead letter is being run; `step` is what had written it. */
  readonly onSentOn: (step: string) => void;
};

type Change = { readonly before: Job | undefined; readonly after: Job | undefined };

/** The job map, which sees whether each change keeps what the design says of jobs, and since when an attempt is over. */
export class WatchedJobMap extends MemoryJobMap {
  readonly #world: JobMapWorld;
  /** By job, since when each attempt is over, by its number. */
  readonly #over = new Map<string, number[]>();

  constructor(world: JobMapWorld) {
    super();
    this.#world = world;
  }

  /** Since when nobody needs this attempt any more; undefined while somebody does. */
  overSince(tenantId: TenantId, jobId: JobId, attempt: number): number | undefined {
    return this.#over.get(`${tenantId}#${jobId}`)?.[attempt];
  }

  override async claim(claim: Claim): Promise<ClaimOutcome> {
    await this.#checkSource(claim);
    return this.#watched(claim, () => super.claim(claim));
  }

  override async lease(lease: DirectLease): Promise<LeaseOutcome> {
    return this.#watched(
      lease,
      () => super.lease(lease),
      ({ before, after }) => {
        if (before !== after && before?.state === "dead-lettered")
          this.#world.onSentOn(before.deadLetteredBy);
      },
    );
  }

  override async end(end: JobEnd): Promise<TransitionOutcome> {
    const { key } = end.result;
    if (!(await this.#world.isStored(key)))
      this.#add(RESULT_FIRST, end, `${end.endedBy} ended ${end.jobId} with ${key}`);
    if (end.status !== "succeeded") await this.#checkMover(end, end.endedBy);
    return this.#watched(
      end,
      () => super.end(end),
      (change) => this.#checkEnd(end, change),
    );
  }

  override async requeue(move: RequeueMove): Promise<TransitionOutcome> {
    await this.#checkMover(move, move.by);
    return this.#watched(move, () => super.requeue(move));
  }

  override async deadLetter(move: DeadLetterMove): Promise<TransitionOutcome> {
    await this.#checkMover(move, move.by);
    await this.#checkSource(move);
    return this.#watched(
      move,
      () => super.deadLetter(move),
      ({ before, after }) => {
        if (before !== after && before?.attempt !== move.attempt)
          this.#add(FAILURES, move, `${move.by} dead-lettered attempt ${before?.attempt} of ${move.jobId}`);
      },
    );
  }

  #add(invariant: string, { jobId }: { readonly jobId: JobId }, what: string): void {
    this.#world.violations.add(invariant, what, [jobId]);
  }

  /** The memory adapter decides within the call: what is read right before and after it is what it changed. */
  async #watched<Outcome>(
    job: { readonly tenantId: TenantId; readonly jobId: JobId },
    change: () => Promise<Outcome>,
    check: (change: Change) => void = () => {},
  ): Promise<Outcome> {
    const read = () => this.get(job.tenantId, job.jobId);
    const [before, outcome, after] = await Promise.all([read(), change(), read()]);
    const changed = { before, after };
    this.#checkAttempts(changed);
    check(changed);
    return outcome;
  }

  #checkAttempts({ before, after }: Change): void {
    if (after === undefined || before === after) return;
    const { tenantId, jobId, attempt, state } = after;
    if (before !== undefined && attempt !== before.attempt && attempt !== before.attempt + 1)
      this.#add("attempts rise one by one", after, `${jobId} went from ${before.attempt} to ${attempt}`);
    const over = this.#over.get(`${tenantId}#${jobId}`) ?? [];
    this.#over.set(`${tenantId}#${jobId}`, over);
    for (
      let each = state === "queued" ? attempt - 1 : attempt;
      each >= 1 && over[each] === undefined;
      each -= 1
    )
      over[each] = this.#world.now();
  }

  #checkEnd(end: JobEnd, { before, after }: Change): void {
    if (before === undefined || before === after || end.status === "succeeded") return;
    if (before.attempt !== end.attempt)
      this.#add(FAILURES, end, `${end.endedBy} ended attempt ${before.attempt} of ${end.jobId}`);
    if (end.status !== "cancelled") return;
    if (!this.#world.cancelsOf(end.jobId).some((at) => at >= before.roundAt))
      this.#add(
        "a cancel ends nothing that was opened after it",
        end,
        `${end.endedBy} ended ${end.jobId}, opened ${new Date(before.roundAt).toISOString()}`,
      );
  }

  async #checkSource({ jobId, source }: Pick<Claim, "jobId" | "source">): Promise<void> {
    if (source !== null && !(await this.#world.isStored(source.key)))
      this.#add(
        "a request is stored before anything points to it",
        { jobId },
        `${jobId} is in ${source.key}`,
      );
  }

  /** What an orphan leaves unanswered is its twin's to move on. */
  async #checkMover(job: { readonly jobId: JobId }, step: string): Promise<void> {
    const [batchId] = /^b-[a-z2-7]{20}(?=-g)/.exec(step) ?? [];
    if (batchId === undefined) return;
    const record = await this.#world.batchOf(batchId as BatchId);
    if (record !== undefined && record.plan.orphanOf !== null)
      this.#add("an orphan moves no job", job, `${step}, of an orphan, moves ${job.jobId}`);
  }
}

const FAILURES = "a failure counts only for the current attempt";
