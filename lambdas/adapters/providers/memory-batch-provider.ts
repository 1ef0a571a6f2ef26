import type { ProviderBatch, ProviderFiles } from "../../domain/batch-record.ts";
import { BatchNotFoundError, ResultsGoneError } from "../../domain/failures.ts";
import { type BatchId, batchIdSchema } from "../../domain/ids.ts";
import type { Instant } from "../../domain/instant.ts";
import { jsonLines, lineText } from "../../domain/jsonl.ts";
import type { Provider } from "../../domain/vocabulary.ts";
import type { BatchProvider, ObjectStore } from "../../ports.ts";

type Held = { batch: ProviderBatch; readonly batchId: BatchId | null; readonly lines: readonly string[] };

/** How a batch ends: its provider's word, the output it leaves, and the rows it was refused for. */
export type Ending = {
  readonly status: string;
  readonly output: readonly string[];
  readonly errors?: readonly string[];
  readonly refusals?: ProviderBatch["errors"];
};

type MemoryBatchProviderOptions = {
  readonly provider?: Provider;
  readonly namesBatches?: boolean;
  readonly objects: ObjectStore;
  readonly now?: () => Instant;
};

/** A provider in memory: batches run until `end` says how each one ends, given the lines it was created with. */
export class MemoryBatchProvider implements BatchProvider {
  readonly provider: Provider;
  readonly namesBatches: boolean;
  readonly #objects: ObjectStore;
  readonly #now: () => Instant;
  readonly #held = new Map<string, Held>();
  readonly #outputs = new Map<string, readonly string[]>();
  readonly #withoutResults = new Set<string>();
  readonly #uncancellable = new Set<string>();
  /** The batches whose files were deleted, in order, as often as it was asked for. */
  readonly deleted: string[] = [];

  constructor({
    provider = "openai",
    namesBatches = true,
    objects,
    now = Date.now,
  }: MemoryBatchProviderOptions) {
    this.provider = provider;
    this.namesBatches = namesBatches;
    this.#objects = objects;
    this.#now = now;
  }

  /** Every batch ever created here, in order. */
  get created(): readonly string[] {
    return [...this.#held.keys()];
  }

  /** Ends a running batch. */
  end(providerBatchId: string, decide: (lines: readonly string[]) => Ending): void {
    const held = this.#find(providerBatchId);
    const ending = decide(held.lines);
    const [output, errors] = [ending.output, ending.errors ?? []];
    this.#outputs.set(`${providerBatchId}/output`, output);
    this.#outputs.set(`${providerBatchId}/errors`, errors);
    const now = this.#now();
    held.batch = {
      ...held.batch,
      phase: "ended",
      status: ending.status,
      stage: "ended",
      stageSince: now,
      endedAt: now,
      counts: { total: held.lines.length, completed: output.length, failed: errors.length },
      errors: [...(ending.refusals ?? [])],
      outputFileId: output.length > 0 ? `${providerBatchId}/output` : null,
      errorFileId: errors.length > 0 ? `${providerBatchId}/errors` : null,
    };
  }

  /** Takes a running batch to another stage, where it stays. */
  enter(providerBatchId: string, stage: Exclude<ProviderBatch["stage"], "ended">, status: string): void {
    const held = this.#find(providerBatchId);
    held.batch = { ...held.batch, stage, status, stageSince: this.#now() };
  }

  /** From now on, cancelling the batch begins and never ends. */
  hangWhenCancelled(providerBatchId: string): void {
    this.#uncancellable.add(this.#find(providerBatchId).batch.id);
  }

  /** The provider forgets the batch. */
  forget(providerBatchId: string): void {
    this.#held.delete(providerBatchId);
  }

  /** The provider forgets what the batch came to. */
  loseResults(providerBatchId: string): void {
    this.#withoutResults.add(this.#find(providerBatchId).batch.id);
  }

  async upload(input: { readonly key: string }): Promise<string | null> {
    return this.namesBatches ? `file-${input.key}` : null;
  }

  async create(input: {
    readonly batchId: BatchId;
    readonly inputKey: string;
    readonly inputFileId?: string | null;
  }): Promise<ProviderBatch> {
    const lines: string[] = [];
    for await (const line of jsonLines(this.#objects.stream(input.inputKey))) lines.push(lineText(line));
    const id = `memory-batch-${this.#held.size + 1}`;
    const now = this.#now();
    const batch: ProviderBatch = {
      id,
      phase: "running",
      status: "in_progress",
      stage: "in-progress",
      stageSince: now,
      createdAt: now,
      endedAt: null,
      counts: { total: lines.length, completed: 0, failed: 0 },
      errors: [],
      inputFileId: input.inputFileId ?? null,
      outputFileId: null,
      errorFileId: null,
    };
    const batchId = this.namesBatches ? batchIdSchema.parse(input.batchId) : null;
    this.#held.set(id, { batch, batchId, lines });
    return structuredClone(batch);
  }

  async get(providerBatchId: string): Promise<ProviderBatch> {
    return structuredClone(this.#find(providerBatchId).batch);
  }

  async *listSince(
    since: Instant,
  ): AsyncGenerator<{ readonly batch: ProviderBatch; readonly batchId: BatchId | null }> {
    for (const { batch, batchId } of [...this.#held.values()].toReversed()) {
      if (batch.createdAt >= since) yield { batch: structuredClone(batch), batchId };
    }
  }

  async *output(batch: ProviderBatch, file: "output" | "errors"): AsyncGenerator<Uint8Array> {
    const lines = this.#outputs.get(`${batch.id}/${file}`) ?? [];
    if (lines.length > 0 && this.#withoutResults.has(batch.id))
      throw new ResultsGoneError(`the results of ${batch.id} are gone`);
    for (const line of lines) yield Buffer.from(`${line}\n`);
  }

  async cancel(providerBatchId: string): Promise<void> {
    const { batch } = this.#find(providerBatchId);
    if (batch.phase === "ended" || batch.stage === "cancelling") return;
    if (this.#uncancellable.has(providerBatchId)) this.enter(providerBatchId, "cancelling", "cancelling");
    else this.end(providerBatchId, () => ({ status: "cancelled", output: [] }));
  }

  async deleteFiles({ id }: ProviderFiles): Promise<void> {
    if (id === null) return;
    this.deleted.push(id);
    this.#withoutResults.add(id);
  }

  #find(providerBatchId: string): Held {
    const held = this.#held.get(providerBatchId);
    if (held === undefined) throw new BatchNotFoundError(`no provider batch ${providerBatchId}`);
    return held;
  }
}
