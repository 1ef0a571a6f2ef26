import { z } from "zod";
import type { AnthropicBatch } from "./anthropic-batch.ts";
import { executeAnthropic } from "./anthropic-answers.ts";
import { BatchOutput, fateOfLine } from "./batch-output.ts";
import type { Execution } from "./execution.ts";
import { jsonlLines } from "./jsonl-lines.ts";
import { lineFault } from "./line-fault.ts";
import { type LineRunEnding, type PhaseLimits, runLines, waitOutPhase } from "./line-run.ts";
import { anthropicErrorBody, injectedRefusal, type Refusal } from "./provider-errors.ts";
import { derivedId } from "./seeded-random.ts";
import type { SimulatorState } from "./simulator-state.ts";

const storedRequest = z.object({ custom_id: z.string(), params: z.unknown() });

/** Takes one message batch from `in_progress` to `ended`. */
export async function runAnthropicBatch(simulator: SimulatorState, batch: AnthropicBatch): Promise<void> {
  const output = new BatchOutput(simulator.store, `${batch.id}|results`);
  let handled = 0;
  const limits = {
    clock: simulator.clock,
    expiresAt: batch.createdAt + batch.timing.windowMs,
    cancelled: batch.cancellation.signal,
    closed: simulator.closed,
  };
  const processed = await runLines({
    ...limits,
    lines: jsonlLines(simulator.store.read(batch.requests)),
    total: batch.customIds.length,
    startsAt: batch.createdAt,
    endsAt: batch.createdAt + batch.timing.processedMs,
    expireAfterLines: batch.faults.expire?.afterLines,
    stuckAfterLines: batch.faults.stuck?.afterLines,
    handle: async (line, index) => {
      await handleRequest(simulator, batch, output, line, index);
      handled = index + 1;
    },
  });
  const ending = processed === "finished" ? await waitForEnd(limits, batch) : processed;
  if (ending === "closed") {
    await output.finish();
    return;
  }
  await writeUnfinished(batch, output, handled, ending);
  if (ending === "cancelled") await waitForCancellation(limits, batch);
  batch.results = (await output.finish()) ?? (await simulator.store.write([]));
  batch.endedAt = simulator.clock.now();
  batch.status = "ended";
}

function waitForEnd(limits: PhaseLimits, batch: AnthropicBatch): Promise<LineRunEnding> {
  return waitOutPhase(limits, batch.createdAt + batch.timing.finalizedMs, batch.faults.stuck !== undefined);
}

/** Already cancelled: nothing but the closing of the simulator cuts this wait short. */
function waitForCancellation(limits: PhaseLimits, batch: AnthropicBatch): Promise<LineRunEnding> {
  const endsAt = (batch.cancelInitiatedAt ?? batch.createdAt) + batch.timing.cancellingMs;
  const isStuck = batch.faults.stuck?.evenCancelled ?? false;
  return waitOutPhase({ ...limits, cancelled: new AbortController().signal }, endsAt, isStuck);
}

async function handleRequest(
  simulator: SimulatorState,
  batch: AnthropicBatch,
  output: BatchOutput,
  line: string,
  index: number,
): Promise<void> {
  const { custom_id: customId, params } = storedRequest.parse(JSON.parse(line));
  const call = simulator.call(batch.account, "batch", `${batch.id}|${index}`);
  const refusal = lineFault("anthropic", batch.faults.lines, customId, index);
  const execution: Execution = refusal ? { kind: "refused", refusal } : executeAnthropic(params, call);
  const requestId = derivedId("req_01", `${batch.id}|${index}`, 22);
  const appendError = (why: Refusal) =>
    output.append(
      JSON.stringify({
        custom_id: customId,
        result: { type: "errored", error: anthropicErrorBody(why, requestId) },
      }),
    );
  if (execution.kind === "refused") {
    batch.counts.errored += 1;
    return appendError(execution.refusal);
  }
  batch.counts.succeeded += 1;
  const result = `{"type":"succeeded","message":${execution.bodyJson}}`;
  const json = `{"custom_id":${JSON.stringify(customId)},"result":${result}}`;
  const fate = fateOfLine(batch.faults.damage, index);
  if (fate === "unparseable") await output.append(json.slice(0, json.length / 2));
  if (fate === "missing" || fate === "unparseable") return;
  await output.append(json);
  if (fate === "repeated") await output.append(json);
  if (fate === "conflicting") await appendError(injectedRefusal("anthropic", { status: 500 }));
  const { model, usage } = execution;
  simulator.invoice.bill(
    {
      provider: "anthropic",
      batchId: batch.id,
      requestId,
      customId,
      model: model.id,
      service: "batch",
      usage,
    },
    call.now,
  );
}

/** Requests that were not executed are in the results too, unbilled; so are lines that a fault adds. */
async function writeUnfinished(
  batch: AnthropicBatch,
  output: BatchOutput,
  handled: number,
  ending: LineRunEnding,
): Promise<void> {
  const type = ending === "cancelled" ? "canceled" : "expired";
  for (const customId of batch.customIds.slice(handled)) {
    batch.counts[type] += 1;
    await output.append(JSON.stringify({ custom_id: customId, result: { type } }));
  }
  for (let extra = 0; extra < (batch.faults.damage?.unknown ?? 0); extra += 1) {
    await output.append(JSON.stringify({ custom_id: `unknown-${extra}`, result: { type: "expired" } }));
  }
}
