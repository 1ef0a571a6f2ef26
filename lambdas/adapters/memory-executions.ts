import type { BatchId } from "../domain/ids.ts";
import type { Executions } from "../ports.ts";

/** The executions of RunBatch that were started here; whoever plays Step Functions ends them. */
export class MemoryExecutions implements Executions {
  readonly #running = new Map<string, boolean>();

  async startRunBatch(batchId: BatchId, generation: number): Promise<void> {
    const name = nameOf(batchId, generation);
    if (!this.#running.has(name)) this.#running.set(name, true);
  }

  async runBatchStatus(batchId: BatchId, generation: number): Promise<"running" | "ended" | "none"> {
    const isRunning = this.#running.get(nameOf(batchId, generation));
    if (isRunning === undefined) return "none";
    return isRunning ? "running" : "ended";
  }

  /** Ends an execution, in whatever way. */
  end(batchId: BatchId, generation: number): void {
    this.#running.set(nameOf(batchId, generation), false);
  }

  /** Names of all executions ever started, in that order. */
  names(): string[] {
    return [...this.#running.keys()];
  }
}

function nameOf(batchId: BatchId, generation: number): string {
  return `${batchId}-${generation}`;
}
