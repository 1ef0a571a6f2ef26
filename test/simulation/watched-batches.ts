import { MemoryBatches } from "../../lambdas/adapters/memory-batches.ts";
import type { AccountHold, BatchOutcome, PlannedBatch } from "../../lambdas/domain/batch-record.ts";
import { dueSteps, earliestCutOff } from "../../lambdas/domain/cut-offs.ts";
import type { BatchId } from "../../lambdas/domain/ids.ts";
import type { BatchLease } from "../../lambdas/ports.ts";
import type { PlanChecks } from "./plan-checks.ts";
import { MINUTE } from "./simulation-clock.ts";

/** No cut-off is longer before its due time: the margin, a flex call, and the time to begin all of a run's jobs. */
const LONGEST_CUT_OFF = 18 * MINUTE;

/** The batches table, which tells how many batches are open and how many provider batches some batch is submitted as. */
export class WatchedBatches extends MemoryBatches {
  readonly #now: () => number;
  readonly #checks: PlanChecks;
  readonly #open = new Map<BatchId, PlannedBatch>();
  readonly #escalated = new Map<BatchId, number>();
  readonly #closed = new Set<BatchId>();
  readonly #submittedAs = new Set<string>();
  readonly #locks = new Map<string, BatchId>();

  constructor(now: () => number, checks: PlanChecks) {
    super();
    this.#now = now;
    this.#checks = checks;
  }

  override async lockAccount(account: string, owner: BatchId, now: number, until: number): Promise<boolean> {
    const locked = await super.lockAccount(account, owner, now, until);
    if (locked) this.#locks.set(account, owner);
    return locked;
  }

  /** Who was last given the account to make batches on. */
  makerOn(account: string): BatchId | undefined {
    return this.#locks.get(account);
  }

  override async hold(account: string, hold: AccountHold): Promise<void> {
    await super.hold(account, hold);
    this.#checks.held(account, this.#now(), hold.until);
  }

  get openBatches(): number {
    return this.#open.size;
  }

  get submittedProviderBatches(): number {
    return this.#submittedAs.size;
  }

  override async register(
    plan: PlannedBatch,
    submitted?: { readonly providerBatchId: string; readonly at: number },
  ): Promise<void> {
    await super.register(plan, submitted);
    if (submitted !== undefined) this.#submittedAs.add(`${plan.group.account}/${submitted.providerBatchId}`);
    if (this.#closed.has(plan.batchId) || this.#open.has(plan.batchId)) return;
    this.#open.set(plan.batchId, plan);
    await this.#checks.planned(plan);
  }

  override async recordEscalated(id: BatchId, until: number): Promise<void> {
    await super.recordEscalated(id, until);
    this.#escalated.set(id, Math.max(until, this.#escalated.get(id) ?? 0));
  }

  /** The open batches that jobs may have to leave by now, and have not. */
  late(now: number): BatchId[] {
    const plans = [...this.#open.values()].filter(
      (plan) =>
        plan.orphanOf === null &&
        dueSteps(plan).some(
          ({ due }) =>
            due > Math.max(plan.plannedAt, this.#escalated.get(plan.batchId) ?? 0) &&
            now >= Math.max(earliestCutOff(plan, due), due - LONGEST_CUT_OFF),
        ),
    );
    return plans.map(({ batchId }) => batchId);
  }

  override async close(id: BatchId, at: number, outcome: BatchOutcome): Promise<void> {
    await super.close(id, at, outcome);
    this.#closed.add(id);
    this.#open.delete(id);
  }

  override async recordSubmitted(
    lease: BatchLease,
    providerBatchId: string,
    at: number,
    isProvisional?: boolean,
  ): Promise<void> {
    await super.recordSubmitted(lease, providerBatchId, at, isProvisional);
    this.#submittedAs.add(`${lease.batch.plan.group.account}/${providerBatchId}`);
  }

  override async disownProviderBatch(account: string, providerBatchId: string, id: BatchId): Promise<void> {
    await super.disownProviderBatch(account, providerBatchId, id);
    if ((await super.providerBatchOwner(account, providerBatchId)) === undefined)
      this.#submittedAs.delete(`${account}/${providerBatchId}`);
  }
}
