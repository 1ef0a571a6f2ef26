import type { ProviderBatch } from "../../domain/batch-record.ts";
import { MissingRecordError } from "../../domain/failures.ts";
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
    held.batch = {
      ...held.batch,
      phase: "ended",
      status: ending.status,
      endedAt: this.#now(),
      counts: { total: held.lines.length, completed: output.length, failed: errors.length },
      errors: [...(ending.refusals ?? [])],
      outputFileId: output.length > 0 ? `${providerBatchId}/output` : null,
      errorFileId: errors.length > 0 ? `${providerBatchId}/errors` : null,
    };
  }

  async upload(input: { readonly key: string }): Promise<string | null> {
    return this.namesBatches ? `file-${input.key}` : null;
  }

  async create(input: { readonly batchId: BatchId; readonly inputKey: string }): Promise<ProviderBatch> {
    const lines: string[] = [];
    for await (const line of jsonLines(this.#objects.stream(input.inputKey))) lines.push(lineText(line));
    const id = `memory-batch-${this.#held.size + 1}`;
    const batch: ProviderBatch = {
      id,
      phase: "running",
      status: "in_progress",
      createdAt: this.#now(),
      endedAt: null,
      counts: { total: lines.length, completed: 0, failed: 0 },
      errors: [],
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
    for (const line of this.#outputs.get(`${batch.id}/${file}`) ?? []) yield Buffer.from(`${line}\n`);
  }

  async cancel(providerBatchId: string): Promise<void> {
    if (this.#find(providerBatchId).batch.phase === "ended") return;
    this.end(providerBatchId, () => ({ status: "cancelled", output: [] }));
  }

  #find(providerBatchId: string): Held {
    const held = this.#held.get(providerBatchId);
    if (held === undefined) throw new MissingRecordError(`no provider batch ${providerBatchId}`);
    return held;
  }
}
