import { z } from "zod";
import type { ProviderBatch, ProviderFiles as FileNames } from "../../../lambdas/domain/batch-record.ts";
import type { BatchId } from "../../../lambdas/domain/ids.ts";
import type { Instant } from "../../../lambdas/domain/instant.ts";
import type { BatchProvider } from "../../../lambdas/ports.ts";
import { BatchOutput } from "../../../local/provider-simulator/batch-output.ts";
import type { FileStore } from "../../../local/provider-simulator/file-store.ts";
import { type BilledUsage, costOf, NO_USAGE } from "../../../local/provider-simulator/invoice.ts";
import { createRandom, type Random } from "../../../local/provider-simulator/seeded-random.ts";
import { jsonlLines } from "../../../local/provider-simulator/jsonl-lines.ts";
import { fateOf, type LineFate } from "./line-fates.ts";
import { ProviderFiles } from "./provider-files.ts";
import { markIn, textOf } from "./sample-jobs.ts";

const requestLineSchema = z.object({
  custom_id: z.string(),
  method: z.literal("POST"),
  url: z.literal("/v1/chat/completions"),
  body: z.looseObject({ model: z.string() }),
});
type RequestLine = z.infer<typeof requestLineSchema>;

type Held = { batch: ProviderBatch; readonly batchId: BatchId; readonly inputFileId: string };

/** Lines of an output that answer nothing that was asked. */
const UNKNOWN_LINES = 25;

/**
 * A provider that reads its input from disk a line at a time and writes its output there, in another order. It holds
 * what it billed and did for each id, never a line.
 */
export class StreamingProvider implements Omit<
  BatchProvider,
  "provider" | "namesBatches" | "upload" | "output"
> {
  readonly files: ProviderFiles;
  readonly #spool: FileStore;
  readonly #held = new Map<string, Held>();
  /** What became of each request, and what it was billed in pico-dollars: the provider's own books. */
  readonly fates = new Map<string, LineFate>();
  readonly invoice = new Map<string, bigint>();
  inputBytes = 0;
  outputBytes = 0;

  constructor(folder: string, spool: FileStore) {
    this.files = new ProviderFiles(folder);
    this.#spool = spool;
  }

  get created(): number {
    return this.#held.size;
  }

  async create(input: {
    readonly batchId: BatchId;
    readonly inputFileId: string | null;
  }): Promise<ProviderBatch> {
    const { batchId, inputFileId } = input;
    if (inputFileId === null) throw new Error("this provider takes files");
    const batch: ProviderBatch = {
      id: `batch-${this.#held.size + 1}`,
      phase: "running",
      status: "in_progress",
      stage: "in-progress",
      stageSince: 0,
      createdAt: 0,
      endedAt: null,
      counts: { total: 0, completed: 0, failed: 0 },
      errors: [],
      inputFileId,
      outputFileId: null,
      errorFileId: null,
    };
    this.#held.set(batch.id, { batch, batchId, inputFileId });
    return batch;
  }

  async get(id: string): Promise<ProviderBatch> {
    return this.#find(id).batch;
  }

  async *listSince(): AsyncGenerator<{ readonly batch: ProviderBatch; readonly batchId: BatchId }> {
    for (const { batch, batchId } of this.#held.values()) yield { batch, batchId };
  }

  async cancel(): Promise<void> {
    throw new Error("nobody was expected to cancel a batch");
  }

  async deleteFiles({ inputFileId, outputFileId, errorFileId }: FileNames): Promise<void> {
    for (const id of [inputFileId, outputFileId, errorFileId]) if (id !== null) await this.files.delete(id);
  }

  /**
   * Runs a batch to its end, which is `now`. Throws when the input breaks a rule over which a provider refuses the whole
   * batch.
   */
  async run(id: string, now: Instant): Promise<void> {
    const held = this.#find(id);
    const output = new BatchOutput(this.#spool, "output");
    const errors = new BatchOutput(this.#spool, "errors");
    const random = createRandom(id);
    let total = 0;
    for await (const line of jsonlLines(this.files.read(held.inputFileId))) {
      this.inputBytes += Buffer.byteLength(line) + 1;
      const request = requestLineSchema.parse(JSON.parse(line));
      if (this.fates.has(request.custom_id)) throw new Error(`${request.custom_id} came twice`);
      await this.#answer(request, random, output, errors);
      total += 1;
    }
    for (let number = 0; number < UNKNOWN_LINES; number += 1)
      await output.append(answerLine({ custom_id: `nobody-${number}`, usage: usageOf(random), text: "?" }));
    const completed = output.lineCount;
    const failed = errors.lineCount;
    held.batch = {
      ...held.batch,
      phase: "ended",
      status: "completed",
      stage: "ended",
      stageSince: now,
      endedAt: now,
      counts: { total, completed, failed },
      outputFileId: await this.#publish(output, `${id}-output`),
      errorFileId: await this.#publish(errors, `${id}-errors`),
    };
  }

  async #answer(
    { custom_id, body }: RequestLine,
    random: Random,
    output: BatchOutput,
    errors: BatchOutput,
  ): Promise<void> {
    const fate = fateOf(random());
    this.fates.set(custom_id, fate);
    if (fate === "missing") return;
    if (fate === "refused") return errors.append(errorLine(custom_id, 400, "invalid_prompt"));
    if (fate === "throttled") return errors.append(errorLine(custom_id, 429, "rate_limit_exceeded"));
    const usage = usageOf(random);
    const text = `${markIn(body)} ${textOf(700 + Math.floor(random() * 900), random)}`;
    const line = answerLine({ custom_id, usage, text });
    if (fate === "garbage") return output.append(line.slice(0, line.length / 2));
    await output.append(line);
    this.invoice.set(custom_id, costOf(body.model, "batch", usage));
    if (fate === "repeated") await output.append(line);
    if (fate === "contradicted") await errors.append(errorLine(custom_id, 500, "server_error"));
  }

  async #publish(output: BatchOutput, id: string): Promise<string | null> {
    const stored = await output.finish();
    if (stored === null) return null;
    this.outputBytes += stored.bytes;
    await this.files.adopt(id, stored.path);
    return id;
  }

  #find(id: string): Held {
    const held = this.#held.get(id);
    if (held === undefined) throw new Error(`no provider batch ${id}`);
    return held;
  }
}

function usageOf(random: Random): BilledUsage {
  const output = 40 + Math.floor(random() * 400);
  return {
    ...NO_USAGE,
    inputTokens: 300 + Math.floor(random() * 500),
    cachedInputTokens: random() < 0.5 ? 128 : 0,
    outputTokens: output,
    reasoningTokens: Math.floor(output / 3),
  };
}

function answerLine(answer: {
  readonly custom_id: string;
  readonly usage: BilledUsage;
  readonly text: string;
}): string {
  const { custom_id, usage, text } = answer;
  const prompt = usage.inputTokens + usage.cachedInputTokens;
  const body = {
    id: `chatcmpl-${custom_id}`,
    object: "chat.completion",
    created: 0,
    model: "gpt-5-nano-2025-08-07",
    choices: [
      { index: 0, message: { role: "assistant", content: text, refusal: null }, finish_reason: "stop" },
    ],
    usage: {
      prompt_tokens: prompt,
      completion_tokens: usage.outputTokens,
      total_tokens: prompt + usage.outputTokens,
      prompt_tokens_details: { cached_tokens: usage.cachedInputTokens },
      completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    },
  };
  const response = { status_code: 200, request_id: `req-${custom_id}`, body };
  return JSON.stringify({ id: `batch_req_${custom_id}`, custom_id, response, error: null });
}

function errorLine(custom_id: string, status: number, code: string): string {
  const body = { error: { code, type: code, message: "The request could not be completed.", param: null } };
  const response = { status_code: status, request_id: `req-${custom_id}`, body };
  return JSON.stringify({ id: `batch_req_${custom_id}`, custom_id, response, error: null });
}
