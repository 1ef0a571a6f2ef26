import { BatchNotFoundError, RetryableError } from "../../lambdas/domain/failures.ts";
import type { ProviderBatch } from "../../lambdas/domain/batch-record.ts";
import type { BatchId } from "../../lambdas/domain/ids.ts";
import type { BatchProvider } from "../../lambdas/ports.ts";
import { DAY, MINUTE, type SimulationClock } from "../../test/simulation/simulation-clock.ts";
import { answerBody } from "./answer.ts";
import type { Fate } from "./scenarios.ts";

type Batch = {
  readonly id: string;
  readonly batchId: BatchId;
  readonly createdAt: number;
  readonly inputFileId: string;
  readonly customIds: readonly string[];
  /** When it would be done, and when it ends: sooner when it is cancelled or expires. */
  readonly doneAt: number;
  endsAt: number;
  /** Lines that are finished by then are answered, and billed. */
  stoppedAt: number | null;
  status: "completed" | "expired" | "cancelled";
};

/** OpenAI's batch service in a scenario: its lines finish one after the other, evenly until the batch is done. */
export class BatchService implements BatchProvider {
  readonly provider = "openai";
  readonly namesBatches = true;
  readonly #clock: SimulationClock;
  readonly #fate: Fate;
  readonly #readObject: (key: string) => Promise<Uint8Array | undefined>;
  readonly #batches = new Map<string, Batch>();
  readonly #files = new Map<string, readonly string[]>();
  readonly #inSlot = new Map<number, number>();

  constructor(
    clock: SimulationClock,
    fate: Fate,
    readObject: (key: string) => Promise<Uint8Array | undefined>,
  ) {
    this.#clock = clock;
    this.#fate = fate;
    this.#readObject = readObject;
  }

  get created(): number {
    return this.#batches.size;
  }

  /** Answered lines of batches that have ended: what is billed. */
  get billedLines(): number {
    return [...this.#batches.values()].reduce((sum, batch) => sum + this.#finished(batch).length, 0);
  }

  async upload({ key }: { readonly key: string }): Promise<string> {
    this.#reach();
    const bytes = await this.#readObject(key);
    const text = Buffer.from(bytes ?? new Uint8Array()).toString();
    const id = `file-${this.#files.size + 1}`;
    const lines = text.split("\n").filter((line) => line !== "");
    this.#files.set(
      id,
      lines.map((line) => (JSON.parse(line) as { readonly custom_id: string }).custom_id),
    );
    return id;
  }

  async create({
    batchId,
    inputFileId,
  }: {
    readonly batchId: BatchId;
    readonly inputFileId: string | null;
  }): Promise<ProviderBatch> {
    this.#reach();
    const createdAt = this.#clock.now();
    const slot = Math.floor(createdAt / (5 * MINUTE));
    const nth = this.#inSlot.get(slot) ?? 0;
    this.#inSlot.set(slot, nth + 1);
    const doneAt = this.#fate.batchDone(createdAt, nth);
    const isLate = doneAt > createdAt + DAY;
    const batch: Batch = {
      id: `batch_${this.#batches.size + 1}`,
      batchId,
      createdAt,
      inputFileId: inputFileId ?? "",
      customIds: this.#files.get(inputFileId ?? "") ?? [],
      doneAt,
      endsAt: isLate ? createdAt + DAY : doneAt,
      stoppedAt: isLate ? createdAt + DAY : null,
      status: isLate ? "expired" : "completed",
    };
    this.#batches.set(batch.id, batch);
    return this.#told(batch);
  }

  async get(id: string): Promise<ProviderBatch> {
    this.#reach();
    return this.#told(this.#found(id));
  }

  async *listSince(since: number): AsyncGenerator<{ batch: ProviderBatch; batchId: BatchId }> {
    this.#reach();
    for (const batch of [...this.#batches.values()].toReversed()) {
      if (batch.createdAt < since) return;
      yield { batch: this.#told(batch), batchId: batch.batchId };
    }
  }

  async *output({ id }: ProviderBatch, file: "output" | "errors"): AsyncGenerator<Uint8Array> {
    this.#reach();
    const batch = this.#found(id);
    const finished = this.#finished(batch);
    if (file === "output") {
      for (const customId of finished) {
        const response = { status_code: 200, request_id: "r", body: answerBody() };
        yield line({ id: "r", custom_id: customId, response, error: null });
      }
      return;
    }
    const code = batch.status === "expired" ? "batch_expired" : "batch_cancelled";
    for (const customId of batch.customIds.slice(finished.length))
      yield line({ id: "r", custom_id: customId, response: null, error: { code, message: "not run" } });
  }

  async cancel(id: string): Promise<void> {
    this.#reach();
    const batch = this.#found(id);
    const now = this.#clock.now();
    if (now >= batch.endsAt || batch.stoppedAt !== null) return;
    batch.stoppedAt = now;
    batch.status = "cancelled";
    batch.endsAt = now + this.#fate.cancelMs(this.#batches.size);
  }

  async deleteFiles(): Promise<void> {
    this.#reach();
  }

  /** During an outage, every call fails. */
  #reach(): void {
    if (this.#fate.isOut(this.#clock.now())) throw new RetryableError("503: the batch service is out");
  }

  #found(id: string): Batch {
    const batch = this.#batches.get(id);
    if (batch === undefined) throw new BatchNotFoundError(`404: no batch ${id}`);
    return batch;
  }

  #finished({ customIds, createdAt, doneAt, stoppedAt }: Batch): readonly string[] {
    if (stoppedAt === null) return customIds;
    const share = Math.min(1, (stoppedAt - createdAt) / (doneAt - createdAt));
    return customIds.slice(0, Math.floor(share * customIds.length));
  }

  #told(batch: Batch): ProviderBatch {
    const { id, createdAt, endsAt, inputFileId, customIds, stoppedAt } = batch;
    const ended = this.#clock.now() >= endsAt;
    const isStopping = batch.status === "cancelled";
    const finished = ended ? this.#finished(batch).length : 0;
    return {
      id,
      phase: ended ? "ended" : "running",
      status: ended ? batch.status : isStopping ? "cancelling" : "in_progress",
      stage: ended ? "ended" : isStopping ? "cancelling" : "in-progress",
      stageSince: ended ? endsAt : isStopping && stoppedAt !== null ? stoppedAt : createdAt,
      createdAt,
      endedAt: ended ? endsAt : null,
      counts: { total: customIds.length, completed: finished, failed: 0 },
      errors: [],
      inputFileId,
      outputFileId: ended && finished > 0 ? `${id}-output` : null,
      errorFileId: ended && finished < customIds.length ? `${id}-errors` : null,
    };
  }
}

function line(value: object): Uint8Array {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}
