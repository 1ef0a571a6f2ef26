import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  type SFNClient,
  StartExecutionCommand,
} from "@aws-sdk/client-sfn";
import type { BatchId } from "../domain/ids.ts";
import type { Executions } from "../ports.ts";

/** RunBatch in Step Functions, by its state machine's ARN. Its input is what the assembly of a window starts it with. */
export class SfnExecutions implements Executions {
  readonly #client: SFNClient;
  readonly #machineArn: string;

  constructor(client: SFNClient, machineArn: string) {
    this.#client = client;
    this.#machineArn = machineArn;
  }

  async startRunBatch(batchId: BatchId, generation: number): Promise<void> {
    try {
      await this.#client.send(
        new StartExecutionCommand({
          stateMachineArn: this.#machineArn,
          name: nameOf(batchId, generation),
          input: JSON.stringify({ batchId, generation }),
        }),
      );
    } catch (error) {
      // It ended, or runs on an input that is written otherwise; one that runs on the same input is no error.
      if (!(error instanceof ExecutionAlreadyExists)) throw error;
    }
  }

  async runBatchStatus(batchId: BatchId, generation: number): Promise<"running" | "ended" | "none"> {
    const prefix = this.#machineArn.replace(":stateMachine:", ":execution:");
    const executionArn = `${prefix}:${nameOf(batchId, generation)}`;
    try {
      const { status } = await this.#client.send(new DescribeExecutionCommand({ executionArn }));
      return status === "RUNNING" ? "running" : "ended";
    } catch (error) {
      if (error instanceof ExecutionDoesNotExist) return "none";
      throw error;
    }
  }
}

/** The name that the state AssembleWindow gives it too: whoever comes second starts nothing. */
function nameOf(batchId: BatchId, generation: number): string {
  return `${batchId}-${generation}`;
}
