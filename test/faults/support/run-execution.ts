import { closeBatch } from "../../../lambdas/close-batch/close-batch.ts";
import { collectResults } from "../../../lambdas/collect-results/collect-results.ts";
import { RetryableError } from "../../../lambdas/domain/failures.ts";
import { type BatchId, batchIdSchema } from "../../../lambdas/domain/ids.ts";
import { DEFAULT_ESCALATION_SECONDS, escalationPaceSchema } from "../../../lambdas/domain/escalation-pace.ts";
import { pollBatch } from "../../../lambdas/poll-batch/poll-batch.ts";
import { settlePart } from "../../../lambdas/settle-part/settle-part.ts";
import { submitBatch } from "../../../lambdas/submit-batch/submit-batch.ts";
import { writeBatch } from "../../../lambdas/write-batch/write-batch.ts";
import type { FaultBench } from "./fault-bench.ts";

/** What a test does between two steps of a batch. */
export type Interruptions = {
  readonly written?: (batchId: BatchId) => Promise<void>;
  readonly polled?: (batchId: BatchId, polls: number) => Promise<void>;
};

/** Plays the RunBatch state machine: its states in their order, each repeated as its Retry would. */
export function executionRunner(bench: FaultBench) {
  const begun = new Set<string>();
  return {
    /** Runs every execution that was started and not run yet, side by side. */
    async runStarted(): Promise<void> {
      const names = bench.executions.names().filter((name) => !begun.has(name));
      for (const name of names) begun.add(name);
      await bench.turns.run(names.map((name) => () => runExecution(name, bench)));
    },
  };
}

async function runExecution(name: string, bench: FaultBench): Promise<void> {
  const end = name.lastIndexOf("-");
  const batchId = batchIdSchema.parse(name.slice(0, end));
  await runBatch(batchId, bench);
  bench.executions.end(batchId, Number(name.slice(end + 1)));
}

async function runBatch(batchId: BatchId, bench: FaultBench): Promise<void> {
  await writeBatch(batchId, bench.ports);
  await bench.interruptions.written?.(batchId);
  const { kind } = await bench.patiently(() => submitBatch(batchId, bench.ports));
  await bench.settleDown();
  if (kind === "submitted") await pollUntilEnded(batchId, bench);
  const parts = await bench.patiently(() => collectResults(batchId, bench.ports));
  for (let part = 0; part < parts; part += 1) {
    await settlePart(batchId, part, bench.ports);
    // As a state that runs again: it must change nothing.
    await settlePart(batchId, part, bench.ports);
  }
  await bench.patiently(() => closeBatch(batchId, "delete", bench.ports));
}

async function pollUntilEnded(batchId: BatchId, bench: FaultBench): Promise<void> {
  for (let polls = 0; ; polls += 1) {
    await bench.interruptions.polled?.(batchId, polls);
    const wait = await waitSeconds(batchId, polls, bench);
    if (wait === null) return;
    await bench.pass(wait * 1000);
  }
}

/** A batch is left alone until its provider or a stage's clock ends it: what is done in time for due jobs is tested elsewhere. */
const NEVER_STOPPED = {
  ...escalationPaceSchema.parse(DEFAULT_ESCALATION_SECONDS),
  stopMs: Infinity,
};

/** Seconds until the next look, null when there is nothing to wait for. A look that fails says nothing of the batch. */
async function waitSeconds(batchId: BatchId, polls: number, bench: FaultBench): Promise<number | null> {
  try {
    const poll = await pollBatch(
      batchId,
      polls,
      { ...bench.ports, provider: async () => bench.ports.provider },
      NEVER_STOPPED,
    );
    return poll.phase === "ended" ? null : poll.waitSeconds;
  } catch (error) {
    if (!(error instanceof RetryableError)) throw error;
    bench.retried.push(error.name);
    return 60;
  }
}
