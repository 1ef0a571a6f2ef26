import {
  BatchNotFoundError,
  LostAnswerError,
  ProviderRefusalError,
  ResultsGoneError,
  RetryableError,
} from "../../lambdas/domain/failures.ts";
import type { ProviderBatch, ProviderFiles } from "../../lambdas/domain/batch-record.ts";
import type { BatchId } from "../../lambdas/domain/ids.ts";
import type { Instant } from "../../lambdas/domain/instant.ts";
import type { Provider } from "../../lambdas/domain/vocabulary.ts";
import type { BatchProvider } from "../../lambdas/ports.ts";
import type { BatchChecks } from "./batch-checks.ts";
import type { Invoice } from "./invoice.ts";
import type { JobTries } from "./job-tries.ts";
import {
  cancelled,
  foreignLines,
  isForgotten,
  isTokenLimited,
  linesOf,
  type ModelBatch,
  type ModelLine,
  newBatch,
  statusOf,
  tokenLimited,
} from "./model-batch.ts";
import { foreignOutput, makeOutput } from "./model-output.ts";
import type { ProviderFaults } from "./provider-faults.ts";
import { HOUR, MINUTE, SECOND, type SimulationClock } from "./simulation-clock.ts";
import type { Worker } from "./worker.ts";

export type BatchServiceWorld = {
  readonly clock: SimulationClock;
  readonly faults: ProviderFaults;
  readonly invoice: Invoice;
  readonly tries: JobTries;
  readonly checks: BatchChecks;
  /** Until when an account has no credit, and refuses everything. */
  readonly brokeUntil: (provider: Provider) => number;
  /** The gateway's bucket, from which inputs are read as they are. */
  readonly readObject: (key: string) => Promise<Uint8Array | undefined>;
};

type CreateInput = Parameters<BatchProvider["create"]>[0];

/** A provider account's batch service, in virtual time, with every fault that was ever reported of one. */
export class ModelBatchService {
  readonly provider: Provider;
  readonly namesBatches: boolean;
  readonly batches = new Map<string, ModelBatch>();
  /** Input files that nobody deleted. */
  readonly files = new Map<string, string>();
  readonly #world: BatchServiceWorld;
  #serial = 0;
  #quotaHeldUntil = 0;
  #calls = 0;

  constructor(provider: Provider, world: BatchServiceWorld) {
    this.provider = provider;
    this.namesBatches = provider === "openai";
    this.#world = world;
  }

  /** The service as one worker calls it. */
  for(worker: Worker): BatchProvider {
    return {
      provider: this.provider,
      namesBatches: this.namesBatches,
      upload: (input) => this.#upload(input),
      create: (input) => this.#create(input, worker),
      get: (providerBatchId) => this.#get(providerBatchId),
      listSince: (since) => this.#listSince(since),
      output: (batch, file) => this.#output(batch, file),
      cancel: (providerBatchId) => this.#cancel(providerBatchId),
      deleteFiles: (files) => this.#deleteFiles(files),
    };
  }

  async #upload({ key, name }: { readonly key: string; readonly name: string }): Promise<string | null> {
    if (!this.namesBatches) return null;
    const { faults } = this.#world;
    if (faults.befalls("upload failed with a 429", name, (this.#calls += 1)))
      throw new RetryableError("429: slow down (retry after 2000 ms)");
    const text = await this.#inputOf(key);
    if (text.trimEnd().includes("\n") && faults.befalls("input refused as too large", name))
      throw new ProviderRefusalError("invalid_request_error", "File is too large. Maximum size is 200 MB");
    const id = `file-${(this.#serial += 1)}`;
    this.files.set(id, text);
    return id;
  }

  async #create(input: CreateInput, worker: Worker): Promise<ProviderBatch> {
    const { faults, tries } = this.#world;
    const what: string = input.batchId;
    const nth = (this.#calls += 1);
    if (faults.befalls("create failed with a 5xx and made nothing", what, nth)) {
      if (!this.namesBatches && faults.befalls("somebody else's batch of the same size at that moment", what))
        this.addForeign(foreignLines((await this.#lines(input)).length));
      throw new LostAnswerError("502: bad gateway");
    }
    if (this.namesBatches && faults.befalls("create finds the new input file missing", what, nth))
      throw new RetryableError("404: no such file");
    if (this.#isBroke() || faults.befalls("billing limit reached at create", what, nth))
      throw new ProviderRefusalError("billing_hard_limit_reached", "Billing hard limit has been reached");
    if (input.inputFileId !== null && !this.files.has(input.inputFileId))
      throw new RetryableError(`404: there is no file ${input.inputFileId}`);
    const lines = await this.#lines(input);
    if (faults.befalls("create refused without a reason", what)) {
      for (const { customId } of lines) tries.requestFailed(customId);
      throw new ProviderRefusalError("invalid_request_error", "Your request was refused");
    }
    const batch = this.#make(input, lines, false);
    await this.#world.checks.created(batch, input, this.batches.values(), worker);
    if (faults.befalls("create made a batch and its answer was lost", batch.id))
      throw new LostAnswerError("504: gateway time-out");
    return this.#told(batch);
  }

  async #get(providerBatchId: string): Promise<ProviderBatch> {
    const { clock, faults } = this.#world;
    const nth = (this.#calls += 1);
    const batch = this.#found(providerBatchId);
    const isNew = clock.now() < batch.createdAt + MINUTE;
    if (isNew && faults.befalls("batch not found right after its creation", providerBatchId, nth))
      throw new BatchNotFoundError("404: no such batch");
    if (this.#isForgotten(batch)) throw new BatchNotFoundError("404: no such batch any more");
    if (faults.befalls("status call failed with a 5xx", providerBatchId, nth))
      throw new RetryableError("503: overloaded");
    if (faults.befalls("status call failed with a 429", providerBatchId, nth))
      throw new RetryableError("429: slow down");
    return this.#told(batch);
  }

  async *#listSince(
    since: Instant,
  ): AsyncGenerator<{ readonly batch: ProviderBatch; readonly batchId: BatchId | null }> {
    const now = this.#world.clock.now();
    for (const batch of [...this.batches.values()].toReversed()) {
      if (batch.createdAt < since - SECOND || now < batch.listedAt || this.#isForgotten(batch)) continue;
      // Of OpenAI's, deleting takes the files away; Anthropic's are gone.
      if (batch.deleted && !this.namesBatches) continue;
      const ours = this.namesBatches && !batch.foreign;
      yield { batch: this.#told(batch), batchId: ours ? (batch.batchId as BatchId) : null };
    }
  }

  async *#output(told: ProviderBatch, file: "output" | "errors"): AsyncGenerator<Uint8Array> {
    const { clock, faults } = this.#world;
    const batch = this.#found(told.id);
    const now = clock.now();
    this.#told(batch);
    const wanted = file === "output" ? told.outputFileId : told.errorFileId;
    if (wanted === null) return;
    if (this.#isGone(batch, now)) throw new ResultsGoneError(`${told.id} has no results`);
    const bytes = Buffer.from(batch.output?.[file] ?? "");
    const cut = faults.befalls("download cut in the middle", told.id, (this.#calls += 1))
      ? bytes.length / 2
      : Infinity;
    for (let start = 0; start < bytes.length; start += 1999) {
      if (start >= cut) throw new RetryableError("the connection was cut");
      yield bytes.subarray(start, start + 1999);
    }
  }

  async #cancel(providerBatchId: string): Promise<void> {
    const { clock, faults, checks, tries } = this.#world;
    const batch = this.#found(providerBatchId);
    checks.ours(batch, "cancelled");
    const now = clock.now();
    if (now >= batch.fate.endsAt || batch.cancelledAt !== null) return;
    batch.fate = cancelled(batch, now, faults);
    batch.cancelledAt = now;
    if (batch.fate.endsAt > now + HOUR) for (const { customId } of batch.lines) tries.requestFailed(customId);
  }

  async #deleteFiles({ id, inputFileId }: ProviderFiles): Promise<void> {
    // What it knows no longer, it has deleted.
    if (inputFileId !== null) this.files.delete(inputFileId);
    if (id === null) return;
    const batch = this.#found(id);
    this.#world.checks.ours(batch, "deleted");
    if (inputFileId !== null)
      await this.#world.checks.deleted(batch, this.batches.values(), this.#world.clock.now());
    this.#told(batch);
    batch.deleted = true;
  }

  /** A batch of somebody else on the account: it must be left alone. */
  addForeign(lines: readonly ModelLine[]): void {
    const input = {
      batchId: "b-foreign" as BatchId,
      endpoint: "/v1/messages",
      inputKey: "",
      inputFileId: null,
    } as const;
    this.#make(input, lines, true);
  }

  /** For days on end the account has no credit. */
  #isBroke(): boolean {
    return this.#world.clock.now() < this.#world.brokeUntil(this.provider);
  }

  /** How many batches are not somebody else's, and known to the provider. */
  get findable(): number {
    return [...this.batches.values()].filter((batch) => !batch.foreign && !this.#isForgotten(batch)).length;
  }

  /** Ends what has ended by now, though nobody looked: it is billed all the same. */
  finishAll(): void {
    for (const batch of this.batches.values()) this.#told(batch);
  }

  #make({ batchId, inputFileId }: CreateInput, lines: readonly ModelLine[], foreign: boolean): ModelBatch {
    const { clock, faults } = this.#world;
    const { provider } = this;
    const id = `${provider === "openai" ? "batch" : "msgbatch"}_${(this.#serial += 1)}`;
    const made = { id, provider, batchId, foreign, lines, inputFileId, createdAt: clock.now() };
    const batch = newBatch(made, faults);
    if (provider === "openai" && !foreign) this.#chargeQuota(batch);
    this.batches.set(id, batch);
    return batch;
  }

  /** A batch that failed over its tokens may go on holding them, so that the next ones fail, too. */
  #chargeQuota(batch: ModelBatch): void {
    const { clock, faults } = this.#world;
    if (clock.now() < this.#quotaHeldUntil) batch.fate = tokenLimited(batch.fate);
    else if (isTokenLimited(batch) && faults.befalls("failed batch holds its quota for a while", batch.id))
      this.#quotaHeldUntil = clock.now() + faults.detail("quota", batch.id) * 40 * MINUTE;
  }

  /** What the provider says of a batch now; making its output when it has ended. */
  #told(batch: ModelBatch): ProviderBatch {
    const now = this.#world.clock.now();
    if (now >= batch.fate.endsAt && batch.output === null) {
      if (batch.foreign) batch.output = foreignOutput(batch);
      else this.#finish(batch);
    }
    return statusOf(batch, now);
  }

  #finish(batch: ModelBatch): void {
    const { faults } = this.#world;
    if (batch.fate.status !== "failed") {
      if (faults.befalls("results gone", batch.id)) batch.goneFrom = batch.fate.endsAt;
      else if (faults.befalls("results not there yet", batch.id)) {
        batch.goneFrom = batch.fate.endsAt;
        batch.backAt = batch.fate.endsAt + faults.detail("back", batch.id) * 20 * MINUTE;
      }
    }
    if (this.provider === "anthropic") faults.befalls("counts stay 0 until the end", batch.id);
    makeOutput(batch, this.#world);
  }

  #isGone(batch: ModelBatch, now: number): boolean {
    return batch.deleted || (batch.goneFrom !== null && (batch.backAt === null || now < batch.backAt));
  }

  #isForgotten(batch: ModelBatch): boolean {
    const { forgottenAt } = batch;
    return forgottenAt !== null && isForgotten(batch) && this.#world.clock.now() >= forgottenAt;
  }

  #found(id: string): ModelBatch {
    const batch = this.batches.get(id);
    if (batch === undefined) throw new Error(`nobody ever created ${id}`);
    return batch;
  }

  async #inputOf(key: string): Promise<string> {
    const bytes = await this.#world.readObject(key);
    if (bytes === undefined) throw new Error(`there is no input ${key}`);
    return Buffer.from(bytes).toString();
  }

  async #lines({ inputFileId, inputKey }: CreateInput): Promise<ModelLine[]> {
    const text = inputFileId === null ? await this.#inputOf(inputKey) : this.files.get(inputFileId);
    return linesOf(text ?? "");
  }
}
