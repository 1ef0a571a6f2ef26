import { beforeEach, describe, expect, it } from "vitest";
import type { BatchId } from "../../lambdas/domain/ids.ts";
import type { Executions } from "../../lambdas/ports.ts";
import { race } from "./gather.ts";

/** Executions as a suite sees them: with the hand that ends them, and a batch that nobody started. */
export type StartedExecutions = {
  readonly executions: Executions;
  readonly batchId: BatchId;
  end(batchId: BatchId, generation: number): Promise<void>;
  /** Names of the executions of the batch that were started. */
  started(batchId: BatchId): Promise<readonly string[]>;
};

/** What everything that runs batches must do. `make` gives a batch that has no execution. */
export function describeExecutions(name: string, make: () => Promise<StartedExecutions>): void {
  describe(`executions of RunBatch: ${name}`, () => {
    let world: StartedExecutions;
    let executions: Executions;
    let id: BatchId;
    beforeEach(async () => {
      world = await make();
      ({ executions, batchId: id } = world);
    });

    it("are none before they are started", async () => {
      expect(await executions.runBatchStatus(id, 1)).toBe("none");
      expect(await world.started(id)).toEqual([]);
    });

    it("run once under their name, however many start them", async () => {
      await race(5, () => executions.startRunBatch(id, 1));
      await executions.startRunBatch(id, 1);
      expect(await executions.runBatchStatus(id, 1)).toBe("running");
      expect(await world.started(id)).toEqual([`${id}-1`]);
    });

    it("are apart by generation", async () => {
      await executions.startRunBatch(id, 1);
      expect(await executions.runBatchStatus(id, 2)).toBe("none");
      await world.end(id, 1);
      await executions.startRunBatch(id, 2);
      expect(await executions.runBatchStatus(id, 1)).toBe("ended");
      expect(await executions.runBatchStatus(id, 2)).toBe("running");
      expect(await world.started(id)).toEqual([`${id}-1`, `${id}-2`]);
    });

    it("stay ended when somebody starts them again", async () => {
      await executions.startRunBatch(id, 1);
      await world.end(id, 1);
      await executions.startRunBatch(id, 1);
      expect(await executions.runBatchStatus(id, 1)).toBe("ended");
      expect(await world.started(id)).toHaveLength(1);
    });
  });
}
