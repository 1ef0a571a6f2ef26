import { z } from "zod";
import { BatchOutput, fateOfLine } from "./batch-output.ts";
import type { Execution } from "./execution.ts";
import type { StoredBytes } from "./file-store.ts";
import { addUsage } from "./invoice.ts";
import { jsonlLines } from "./jsonl-lines.ts";
import { type LineRunEnding, type PhaseLimits, runLines, waitOutPhase } from "./line-run.ts";
import { lineFault } from "./line-fault.ts";
import { executeOpenAi } from "./openai-answers.ts";
import { type BatchProblem, END_STATES, type OpenAiBatch, type OpenAiBatchStatus } from "./openai-batch.ts";
import { executedLine, refusedLine, requestIdOf, unfinishedLine } from "./openai-batch-lines.ts";
import { validateBatchInput } from "./openai-batch-validation.ts";
import { injectedRefusal } from "./provider-errors.ts";
import { derivedId } from "./seeded-random.ts";
import type { SimulatorState } from "./simulator-state.ts";

const inputLine = z.object({ custom_id: z.string(), body: z.unknown() });

/** Takes one batch from `validating` to its end. Never rejects: what goes wrong shows in the batch's state. */
export async function runOpenAiBatch(simulator: SimulatorState, batch: OpenAiBatch): Promise<void> {
  const run = new OpenAiBatchRun(simulator, batch);
  try {
    await run.run();
  } catch (error) {
    if (!isMissingFile(error)) throw error;
    await run.failUnreadable();
  }
}

class OpenAiBatchRun {
  readonly #simulator: SimulatorState;
  readonly #batch: OpenAiBatch;
  readonly #limits: PhaseLimits;
  readonly #output: BatchOutput;
  readonly #errors: BatchOutput;
  #customIds: readonly string[] = [];
  #handled = 0;

  constructor(simulator: SimulatorState, batch: OpenAiBatch) {
    this.#simulator = simulator;
    this.#batch = batch;
    this.#limits = {
      clock: simulator.clock,
      expiresAt: batch.createdAt + batch.timing.windowMs,
      cancelled: batch.cancellation.signal,
      closed: simulator.closed,
    };
    this.#output = new BatchOutput(simulator.store, `${batch.id}|output`);
    this.#errors = new BatchOutput(simulator.store, `${batch.id}|errors`);
  }

  async run(): Promise<void> {
    const validated = await this.#validate();
    if (validated === "failed") {
      await this.#discard();
      return this.#enter("failed");
    }
    const processed = validated === "finished" ? await this.#process() : validated;
    const finalized = processed === "finished" ? await this.#finalize() : processed;
    if (finalized === "closed") return this.#discard();
    if (finalized !== "finished") await this.#writeUnfinished(finalized);
    if (finalized === "cancelled") {
      const patient = { ...this.#limits, cancelled: new AbortController().signal };
      const cancelledAt = this.#batch.enteredAt.get("cancelling") ?? this.#batch.createdAt;
      const isStuck = this.#batch.faults.stuck?.evenCancelled ?? false;
      await waitOutPhase(patient, cancelledAt + this.#batch.timing.cancellingMs, isStuck);
    }
    await this.#publish();
    this.#enter(finalized === "finished" ? "completed" : finalized);
  }

  /** The input file was deleted while the batch needed it. */
  async failUnreadable(): Promise<void> {
    const message = "The input file could not be read.";
    this.#batch.problems = [{ code: "input_file_unreadable", line: null, message, param: "input_file_id" }];
    await this.#discard();
    this.#enter("failed");
  }

  async #validate(): Promise<LineRunEnding | "failed"> {
    const batch = this.#batch;
    const input = await validateBatchInput(this.#simulator, batch);
    // Tokens count against the limit from here on, whenever the state changes: two batches cannot both take the rest.
    if (input.problems.length === 0) batch.enqueuedTokens = input.promptTokens;
    batch.model = input.model;
    const waited = await waitOutPhase(
      this.#limits,
      batch.createdAt + batch.timing.validatedMs,
      batch.faults.stuck?.status === "validating",
    );
    if (waited !== "finished") return waited;
    batch.problems = (await this.#injectedProblems()) ?? input.problems;
    if (batch.problems.length > 0) {
      // A batch refused for its tokens holds them all the same, if failed batches do.
      batch.enqueuedTokens = input.promptTokens;
      return "failed";
    }
    this.#customIds = input.customIds;
    batch.total = input.customIds.length;
    this.#enter("in_progress");
    return "finished";
  }

  async #injectedProblems(): Promise<readonly BatchProblem[] | undefined> {
    const { faults, inputFile } = this.#batch;
    if (faults.fail === undefined) return undefined;
    const { code, message, lines, containing } = faults.fail;
    if (
      containing !== undefined &&
      !(await holdsText(this.#simulator.store.read(inputFile.stored), containing))
    )
      return undefined;
    return (lines ?? [null]).map((line) => ({ code, line, message, param: null }));
  }

  async #process(): Promise<LineRunEnding> {
    const batch = this.#batch;
    const ending = await runLines({
      ...this.#limits,
      lines: jsonlLines(this.#simulator.store.read(batch.inputFile.stored)),
      total: batch.total,
      startsAt: batch.createdAt + batch.timing.validatedMs,
      endsAt: batch.createdAt + batch.timing.processedMs,
      expireAfterLines: batch.faults.expire?.afterLines,
      stuckAfterLines: batch.faults.stuck?.afterLines,
      handle: (line, index) => this.#handleLine(line, index),
    });
    if (ending !== "finished" || batch.faults.stuck?.status !== "in_progress") return ending;
    return waitOutPhase(this.#limits, this.#limits.expiresAt, true);
  }

  async #finalize(): Promise<LineRunEnding> {
    const batch = this.#batch;
    this.#enter("finalizing");
    return waitOutPhase(
      this.#limits,
      batch.createdAt + batch.timing.finalizedMs,
      batch.faults.stuck?.status === "finalizing",
    );
  }

  async #handleLine(line: string, index: number): Promise<void> {
    const batch = this.#batch;
    const { custom_id: customId, body } = inputLine.parse(JSON.parse(line));
    const refusal = lineFault("openai", batch.faults.lines, customId, index);
    const call = this.#simulator.call(batch.account, "batch", `${batch.id}|${index}`);
    const execution: Execution = refusal
      ? { kind: "refused", refusal }
      : executeOpenAi(batch.endpoint, body, call);
    this.#handled = index + 1;
    if (execution.kind === "refused") {
      batch.failed += 1;
      return this.#errors.append(refusedLine(batch.id, customId, index, execution.refusal));
    }
    batch.completed += 1;
    const json = executedLine(batch.id, customId, index, 200, execution.bodyJson);
    const fate = fateOfLine(batch.faults.damage, index);
    if (fate === "unparseable") await this.#output.append(json.slice(0, json.length / 2));
    if (fate === "missing" || fate === "unparseable") return;
    await this.#output.append(json);
    if (fate === "repeated") await this.#output.append(json);
    if (fate === "conflicting") {
      const contradiction = injectedRefusal("openai", { status: 500 });
      await this.#errors.append(refusedLine(batch.id, customId, index, contradiction));
    }
    batch.usage = addUsage(batch.usage, execution.usage);
    const charge = { provider: "openai", batchId: batch.id, service: "batch", customId } as const;
    const requestId = requestIdOf(batch.id, index);
    const billed = { ...charge, requestId, model: execution.model.id, usage: execution.usage };
    this.#simulator.invoice.bill(billed, call.now);
  }

  /** Requests that were not executed go to the error file, unbilled. */
  async #writeUnfinished(ending: "expired" | "cancelled"): Promise<void> {
    for (const [offset, customId] of this.#customIds.slice(this.#handled).entries()) {
      const index = this.#handled + offset;
      await this.#errors.append(unfinishedLine(this.#batch.id, customId, index, ending));
      this.#batch.failed += 1;
    }
  }

  async #publish(): Promise<void> {
    const { damage } = this.#batch.faults;
    for (let extra = 0; extra < (damage?.unknown ?? 0); extra += 1) {
      const index = this.#batch.total + extra;
      await this.#output.append(executedLine(this.#batch.id, `unknown-${extra}`, index, 200, "{}"));
    }
    this.#batch.outputFileId = this.#publishFile(await this.#output.finish(), "output");
    this.#batch.errorFileId = this.#publishFile(await this.#errors.finish(), "error");
  }

  #publishFile(stored: StoredBytes | null, name: "output" | "error"): string | null {
    if (!stored) return null;
    const batch = this.#batch;
    const id = derivedId("file-", `${batch.id}|${name}`, 22);
    const createdAt = Math.floor(this.#simulator.clock.now() / 1000);
    const after = batch.outputExpiresAfterSeconds;
    // The batch names the file, which is not there.
    if (batch.faults.resultsGone) return id;
    this.#simulator.openAiFiles.set(id, {
      id,
      account: batch.account,
      filename: `${batch.id}_${name}.jsonl`,
      purpose: "batch_output",
      createdAt,
      expiresAt: after === null ? null : createdAt + after,
      stored,
    });
    return id;
  }

  async #discard(): Promise<void> {
    await Promise.all([this.#output.finish(), this.#errors.finish()]);
  }

  #enter(status: OpenAiBatchStatus): void {
    // A batch that was cancelled too late to stop shows what it was asked to, until its end.
    const isCancelling = this.#batch.status === "cancelling";
    this.#batch.status = isCancelling && !END_STATES.has(status) ? "cancelling" : status;
    this.#batch.enteredAt.set(status, this.#simulator.clock.now());
  }
}

function isMissingFile(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

async function holdsText(input: AsyncIterable<Buffer>, text: string): Promise<boolean> {
  for await (const line of jsonlLines(input)) if (line.includes(text)) return true;
  return false;
}
