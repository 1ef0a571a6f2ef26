import { MemoryBatches } from "../../lambdas/adapters/memory-batches.ts";
import type { AccountHold, BatchOutcome, PlannedBatch } from "../../lambdas/domain/batch-record.ts";
import type { BatchId } from "../../lambdas/domain/ids.ts";
import type { PlanChecks } from "./plan-checks.ts";

/** The batches table, which tells how many batches are open and how many provider batches have an owner. */
export class WatchedBatches extends MemoryBatches {
  readonly #now: () => number;
  readonly #checks: PlanChecks;
  readonly #open = new Set<BatchId>();
  readonly #closed = new Set<BatchId>();
  readonly #owned = new Set<string>();

  constructor(now: () => number, checks: PlanChecks) {
    super();
    this.#now = now;
    this.#checks = checks;
  }

  override async hold(account: string, hold: AccountHold): Promise<void> {
    await super.hold(account, hold);
    this.#checks.held(account, this.#now(), hold.until);
  }

  get openBatches(): number {
    return this.#open.size;
  }

  get ownedProviderBatches(): number {
    return this.#owned.size;
  }

  override async register(
    plan: PlannedBatch,
    submitted?: { readonly providerBatchId: string; readonly at: number },
  ): Promise<void> {
    await super.register(plan, submitted);
    if (!this.#closed.has(plan.batchId) && !this.#open.has(plan.batchId)) this.#checks.planned(plan);
    if (!this.#closed.has(plan.batchId)) this.#open.add(plan.batchId);
  }

  override async close(id: BatchId, at: number, outcome: BatchOutcome): Promise<void> {
    await super.close(id, at, outcome);
    this.#closed.add(id);
    this.#open.delete(id);
  }

  override async ownProviderBatch(account: string, providerBatchId: string, id: BatchId): Promise<BatchId> {
    this.#owned.add(`${account}/${providerBatchId}`);
    return super.ownProviderBatch(account, providerBatchId, id);
  }

  override async disownProviderBatch(account: string, providerBatchId: string, id: BatchId): Promise<void> {
    await super.disownProviderBatch(account, providerBatchId, id);
    if ((await super.providerBatchOwner(account, providerBatchId)) === undefined)
      this.#owned.delete(`${account}/${providerBatchId}`);
  }
}
