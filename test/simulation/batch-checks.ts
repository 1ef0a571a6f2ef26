import { type BatchId, parseCustomId } from "../../lambdas/domain/ids.ts";
import type { BatchRecord } from "../../lambdas/domain/batch-record.ts";
import type { BatchLimits } from "../../lambdas/domain/limits.ts";
import type { Provider } from "../../lambdas/domain/vocabulary.ts";
import type { BatchProvider } from "../../lambdas/ports.ts";
import type { ModelBatch } from "./model-batch.ts";
import type { PlanChecks } from "./plan-checks.ts";
import { SECOND } from "./simulation-clock.ts";
import type { Violations } from "./violations.ts";
import type { Worker } from "./worker.ts";

const DIRECTLY = "in a direct call";

/** What the batches table tells. */
type Batches = {
  get(batchId: BatchId): Promise<BatchRecord | undefined>;
  /** Who was last given an account to make batches on. */
  makerOn(account: string): BatchId | undefined;
};

/** For how long a provider may keep a new batch out of its list, and still be called well. */
const LIST_LAG = 45 * SECOND;

/** What every provider demands of a batch, and what the gateway promises its tenants of it; checked as each is created. */
export class BatchChecks {
  readonly #limits: Readonly<Record<Provider, BatchLimits>>;
  readonly #dedicated: ReadonlySet<string>;
  readonly #violations: Violations;
  readonly #plans: PlanChecks;
  readonly #batches: Batches;
  /** Which of our batches each id was ever sent in, or that it was called for directly. */
  readonly #sentIn = new Map<string, string>();

  /** Batches made by workers that had slept past their time. */
  readonly #unforeseen = new Set<string>();

  constructor(
    limits: Readonly<Record<Provider, BatchLimits>>,
    dedicated: ReadonlySet<string>,
    violations: Violations,
    plans: PlanChecks,
    batches: Batches,
  ) {
    this.#batches = batches;
    this.#plans = plans;
    this.#limits = limits;
    this.#dedicated = dedicated;
    this.#violations = violations;
  }

  /** `before`: batches that the provider has already; `creator`: who asked for this one. */
  async created(
    batch: ModelBatch,
    input: Parameters<BatchProvider["create"]>[0],
    before: Iterable<ModelBatch>,
    creator: Worker,
  ): Promise<void> {
    const { id, lines } = batch;
    const limits = this.#limits[batch.provider];
    const bytes = lines.reduce((sum, { text }) => sum + Buffer.byteLength(text) + 1, 0);
    const inputs = lines.reduce((sum, { request }) => sum + (request?.inputs ?? 0), 0);
    const fail = (what: string) =>
      this.#violations.add("provider limits are kept", what, [batch.batchId, id]);
    if (lines.length === 0) fail(`${id} is empty`);
    if (lines.length > limits.maxRequests) fail(`${id} has ${lines.length} requests`);
    if (bytes > limits.maxBytes && lines.length > 1) fail(`${id} has ${bytes} bytes`);
    if (inputs > limits.maxInputs && lines.length > 1) fail(`${id} has ${inputs} inputs`);
    if (new Set(lines.map(({ customId }) => customId)).size < lines.length) fail(`${id} repeats an id`);
    const kinds = new Set(lines.map(({ request }) => `${request?.model} ${request?.endpoint}`));
    if (kinds.size > 1) fail(`${id} mixes ${[...kinds].join(", ")}`);
    if (lines.some(({ request }) => request?.endpoint !== input.endpoint))
      fail(`${id} is not for ${input.endpoint}`);
    this.#checkIds(batch);
    this.#checkIsolation(batch);
    this.#checkTwins(batch, before, creator);
    this.#checkTurn(batch, creator);
    await this.#plans.created(batch, batch.createdAt, (earlier) => this.#isWaitedFor(earlier));
  }

  /** A batch that can be found is found, not made once more; only who has slept since it looked may do that. */
  #checkTwins({ id, batchId, createdAt }: ModelBatch, before: Iterable<ModelBatch>, creator: Worker): void {
    if (creator.stalled) {
      this.#unforeseen.add(id);
      return;
    }
    for (const twin of before) {
      if (twin.id === id || twin.batchId !== batchId) continue;
      // What the provider has forgotten nobody can find.
      if (twin.forgottenAt !== null && twin.forgottenAt <= createdAt) continue;
      // What was made a moment ago by one that was given up long ago is not waited for: nobody knows that it slept.
      const isAwaited = createdAt < twin.createdAt + LIST_LAG && !this.#unforeseen.has(twin.id);
      if (twin.listedAt < creator.startedAt || isAwaited)
        this.#violations.add("what can be found is not made again", `${id} beside ${twin.id} of ${batchId}`, [
          batchId,
        ]);
    }
  }

  /** Where batches carry no names, one at a time is made: what a lost answer made can only be that one's. */
  #checkTurn({ id, batchId, provider }: ModelBatch, creator: Worker): void {
    if (provider !== "anthropic" || creator.stalled || this.#batches.makerOn(provider) === batchId) return;
    this.#violations.add("nameless batches are made one at a time", `${id} of ${batchId} out of its turn`, [
      batchId,
    ]);
  }

  #checkIds({ id, batchId, lines }: ModelBatch): void {
    for (const { customId } of lines) {
      if (!parseCustomId(customId))
        this.#violations.add("provider limits are kept", `${customId} is no id of ours`, [customId]);
      const before = this.#sentIn.get(customId);
      this.#sentIn.set(customId, `in ${batchId}`);
      if (before !== undefined && before !== `in ${batchId}`)
        this.#violations.add(
          "an attempt is sent once",
          `${customId} was sent ${before} and in ${batchId} (${id})`,
          [customId.slice(0, 26), before.slice(3), batchId],
        );
    }
  }

  /** An attempt is called for directly, by its custom id: once, and not where a batch has it. */
  called(customId: string): void {
    const before = this.#sentIn.get(customId);
    this.#sentIn.set(customId, DIRECTLY);
    if (before !== undefined)
      this.#violations.add(
        "an attempt is sent once",
        `${customId} was sent ${before} and is called directly`,
        [customId.slice(0, 26)],
      );
  }

  #checkIsolation({ id, lines }: ModelBatch): void {
    const tenants = new Set(lines.map(({ request }) => request?.tenantId ?? ""));
    const alone = [...tenants].filter((tenant) => this.#dedicated.has(tenant));
    if (alone.length > 0 && tenants.size > 1)
      this.#violations.add("tenants are apart", `${id} mixes ${alone.join(", ")} with others`, [id]);
  }

  ours(batch: ModelBatch, what: string): void {
    if (batch.foreign)
      this.#violations.add("what is not ours is left alone", `${batch.id}, a foreign batch, was ${what}`, [
        batch.id,
      ]);
  }

  /**
   * Nothing is deleted that we still need: an input is read while its batch is validated. A second batch of the same
   * input, which nobody waits for, may do without.
   */
  async deleted(batch: ModelBatch, all: Iterable<ModelBatch>, now: number): Promise<void> {
    const fail = (what: string) => this.#violations.add("what runs is left alone", what, [batch.batchId]);
    if (now < batch.fate.endsAt) fail(`files of ${batch.id} were deleted while it ran`);
    for (const other of all) {
      if (batch.inputFileId === null || other.inputFileId !== batch.inputFileId || other.id === batch.id)
        continue;
      const isRead = other.cancelledAt === null && now < other.fate.validatedAt;
      if (isRead && (await this.#isWaitedFor(other)))
        fail(`the input of ${other.id} was deleted with ${batch.id} while it was validated`);
    }
  }

  async #isWaitedFor({ id, batchId }: ModelBatch): Promise<boolean> {
    const record = await this.#batches.get(batchId as BatchId);
    return record?.state === "submitted" && record.providerBatchId === id && record.abandonedAt === null;
  }
}
