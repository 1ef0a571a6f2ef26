import type { JobId } from "../../lambdas/domain/ids.ts";
import type { Job } from "../../lambdas/domain/job-state.ts";
import type { QueuedMessage } from "./simulated-queue.ts";
import type { Told } from "./told-results.ts";
import type { Violations } from "./violations.ts";
import type { SimulatedJob, Workload } from "./workload-types.ts";

/** A cancel that was taken from its queue while its job went on, or was not known. */
type Unheard = { readonly messageId: string; readonly job: SimulatedJob; readonly state: string };

/** A cancel that somebody took has ended its job, unless the job was opened after it, or its tenant is told of no such job. */
export class CancelChecks {
  readonly #jobs: ReadonlyMap<string, SimulatedJob>;
  readonly #sent: ReadonlyMap<string, readonly number[]>;
  readonly #find: (job: SimulatedJob) => Promise<Job | undefined>;
  readonly #now: () => number;
  readonly #unheard: Unheard[] = [];

  constructor(
    { jobs, sendings }: Workload,
    find: (job: SimulatedJob) => Promise<Job | undefined>,
    now: () => number,
  ) {
    this.#jobs = new Map(jobs.map((job) => [`${job.tenantId}/${job.key}`, job]));
    const cancels = sendings.filter(({ expect, jobId }) => expect === "cancel" && jobId !== null);
    this.#sent = new Map(
      [...Map.groupBy(cancels, ({ jobId }) => jobId ?? "")].map(([jobId, of]) => [
        jobId,
        of.map(({ at }) => at),
      ]),
    );
    this.#find = find;
    this.#now = now;
  }

  /** When a job's cancels were sent, as far as they were by now. */
  sentFor(jobId: JobId): number[] {
    return (this.#sent.get(jobId) ?? []).filter((at) => at <= this.#now());
  }

  /** A message is deleted, as everything that it asked for is done. */
  async taken({ messageId, body, sentAt }: QueuedMessage): Promise<void> {
    if (!body.includes('"cancel":{')) return;
    const { tenantId, cancel } = JSON.parse(body) as {
      readonly tenantId: string;
      readonly cancel: { readonly idempotencyKey: string };
    };
    const job = this.#jobs.get(`${tenantId}/${cancel.idempotencyKey}`);
    // One that was asked for again may have been opened in the meantime.
    if (job === undefined || job.retries > 0) return;
    const found = await this.#find(job);
    if (found?.state === "ended" || (found !== undefined && found.roundAt > sentAt)) return;
    this.#unheard.push({ messageId, job, state: found?.state ?? "unknown" });
  }

  /** When all is over: whoever was told that there is no such job cancelled nothing. */
  check(told: readonly Told[], violations: Violations): void {
    const refused = new Set(told.flatMap(({ result }) => (result.jobId === null ? [result.messageId] : [])));
    for (const { messageId, job, state } of this.#unheard)
      if (!refused.has(messageId))
        violations.add(
          "a cancel that was taken ends its job",
          `${job.tenantId}/${job.key} (${job.jobId}) was ${state} after ${messageId}`,
          [job.jobId],
        );
  }
}
