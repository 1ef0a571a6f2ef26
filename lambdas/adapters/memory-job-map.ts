import { decideLease } from "../domain/direct-lease.ts";
import type { JobId, TenantId } from "../domain/ids.ts";
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
} from "../domain/job-state.ts";
import { decideClaim, decideDeadLetter, decideEnd, decideRequeue } from "../domain/job-transitions.ts";
import type { JobMap } from "../ports.ts";
import { frozenCopy } from "./frozen-copy.ts";

type JobRef = { readonly tenantId: TenantId; readonly jobId: JobId };

/** The job map as its specification says it: the pure decisions, applied one at a time. Ended jobs never expire. */
export class MemoryJobMap implements JobMap {
  readonly #jobs = new Map<string, Job>();

  async get(tenantId: TenantId, jobId: JobId): Promise<Job | undefined> {
    return this.#read({ tenantId, jobId });
  }

  async getMany(jobs: readonly JobRef[]): Promise<(Job | undefined)[]> {
    return jobs.map((job) => this.#read(job));
  }

  async claim(claim: Claim): Promise<ClaimOutcome> {
    const { next, ...outcome } = decideClaim(this.#read(claim), claim);
    this.#write(claim, next);
    return outcome;
  }

  async lease(lease: DirectLease): Promise<LeaseOutcome> {
    const outcome = decideLease(this.#read(lease), lease);
    if (outcome.kind === "leased") this.#write(lease, outcome.job);
    return outcome;
  }

  async end(end: JobEnd): Promise<TransitionOutcome> {
    return this.#apply(end, decideEnd(this.#read(end), end));
  }

  async requeue(move: RequeueMove): Promise<TransitionOutcome> {
    return this.#apply(move, decideRequeue(this.#read(move), move));
  }

  async deadLetter(move: DeadLetterMove): Promise<TransitionOutcome> {
    return this.#apply(move, decideDeadLetter(this.#read(move), move));
  }

  #read({ tenantId, jobId }: JobRef): Job | undefined {
    return this.#jobs.get(`${tenantId}#${jobId}`);
  }

  #write({ tenantId, jobId }: JobRef, next: Job | undefined): void {
    if (next !== undefined) this.#jobs.set(`${tenantId}#${jobId}`, frozenCopy(next));
  }

  #apply(job: JobRef, decided: { outcome: TransitionOutcome; next?: Job }): TransitionOutcome {
    this.#write(job, decided.next);
    return decided.outcome;
  }
}
