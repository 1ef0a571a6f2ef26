import type { PlannedBatch } from "../../lambdas/domain/batch-record.ts";
import { type JobId, parseCustomId, type TenantId } from "../../lambdas/domain/ids.ts";
import type { IndexEntry } from "../../lambdas/domain/job-record.ts";
import type { ModelBatch } from "./model-batch.ts";
import { MINUTE } from "./simulation-clock.ts";
import type { Violations } from "./violations.ts";

/** A job that is over for longer than this is known to be: a reading of many jobs may be a moment old. */
const KNOWN_AFTER = MINUTE;

export type PlanWorld = {
  readonly readObject: (key: string) => Promise<Uint8Array | undefined>;
  /** Since when nobody needs an attempt any more. */
  readonly overSince: (tenantId: TenantId, jobId: JobId, attempt: number) => number | undefined;
};

type Hold = { readonly account: string; readonly from: number; readonly until: number };
type Wait = { readonly notBefore: number; readonly cohort: string | null };

/** What the failure policy promises of the next attempt, checked against what is planned and sent. */
export class PlanChecks {
  readonly #violations: Violations;
  readonly #world: PlanWorld;
  readonly #holds: Hold[] = [];
  readonly #waits = new Map<string, Wait>();
  readonly #reopenable: ReadonlySet<string>;
  readonly #sent = new Map<string, { readonly attempt: number; readonly batch: ModelBatch }[]>();

  /** `reopenable`: jobs that their tenants open again, so that an earlier attempt may still run. */
  constructor(reopenable: ReadonlySet<string>, violations: Violations, world: PlanWorld) {
    this.#world = world;
    this.#reopenable = reopenable;
    this.#violations = violations;
  }

  /** An account is to be left alone from now on. */
  held(account: string, from: number, until: number): void {
    this.#holds.push({ account, from, until });
  }

  /** Entries that a settling step sent on. */
  sentOn(index: string): void {
    for (const line of index.split("\n")) {
      if (line === "") continue;
      const { jobId, attempt, notBefore = 0, cohort = null } = JSON.parse(line) as IndexEntry;
      this.#waits.set(`${jobId}-${attempt}`, { notBefore, cohort });
    }
  }

  async planned(plan: PlannedBatch): Promise<void> {
    const { batchId, group, plannedAt, orphanOf } = plan;
    if (orphanOf !== null) return;
    await this.#checkNeeded(plan);
    // Holds are read after the moment that the plan is dated by.
    const hold = this.#holds.find(
      ({ account, from, until }) => account === group.account && from < plannedAt && plannedAt < until,
    );
    if (hold !== undefined)
      this.#violations.add("a held account is left alone", `${batchId} was planned for ${group.account}`, [
        batchId,
      ]);
  }

  /** What has ended, was cancelled or has moved on before a plan is made is not in it: it would be billed for nobody. */
  async #checkNeeded({ batchId, linesKey, plannedAt }: PlannedBatch): Promise<void> {
    const lines = Buffer.from((await this.#world.readObject(linesKey)) ?? "").toString();
    for (const line of lines.split("\n")) {
      if (line === "") continue;
      const { tenantId, jobId, attempt } = JSON.parse(line) as IndexEntry;
      const since = this.#world.overSince(tenantId, jobId, attempt);
      if (since !== undefined && since + KNOWN_AFTER < plannedAt)
        this.#violations.add(
          "what is over is not sent",
          `${batchId} holds attempt ${attempt} of ${jobId}, over since ${new Date(since).toISOString()}`,
          [jobId, batchId],
        );
    }
  }

  /** `stillOurs`: whether we wait for an earlier provider batch, by id. */
  async created(
    batch: ModelBatch,
    now: number,
    stillOurs: (earlier: ModelBatch) => Promise<boolean>,
  ): Promise<void> {
    const cohorts = new Set<string | null>();
    for (const { customId } of batch.lines) {
      const parsed = parseCustomId(customId);
      if (!parsed) continue;
      const { jobId, attempt } = parsed;
      const wait = this.#waits.get(customId);
      cohorts.add(wait?.cohort ?? null);
      if (wait !== undefined && now < wait.notBefore)
        this.#violations.add("no attempt comes too soon", `${customId} in ${batch.id}`, [
          jobId,
          batch.batchId,
        ]);
      await this.#checkEarlier(jobId, attempt, batch, now, stillOurs);
    }
    if (cohorts.size > 1)
      this.#violations.add("halves stay apart", `${batch.id} holds ${[...cohorts].join(", ")}`, [
        batch.batchId,
      ]);
  }

  async #checkEarlier(
    jobId: string,
    attempt: number,
    batch: ModelBatch,
    now: number,
    stillOurs: (earlier: ModelBatch) => Promise<boolean>,
  ): Promise<void> {
    const sent = this.#sent.get(jobId) ?? [];
    this.#sent.set(jobId, [...sent, { attempt, batch }]);
    if (this.#reopenable.has(jobId)) return;
    for (const earlier of sent) {
      if (earlier.attempt >= attempt || now >= earlier.batch.fate.endsAt) continue;
      if (await stillOurs(earlier.batch))
        this.#violations.add(
          "no attempt is made while another runs",
          `attempt ${attempt} of ${jobId} in ${batch.id}, while ${earlier.batch.id} runs ${earlier.attempt}`,
          [jobId, batch.batchId, earlier.batch.batchId],
        );
    }
  }
}
