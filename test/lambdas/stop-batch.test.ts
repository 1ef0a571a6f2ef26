import { beforeEach, describe, expect, test } from "vitest";
import { DEFAULT_TIER_DUE_SECONDS } from "../../lambdas/domain/limits.ts";
import type { BatchId } from "../../lambdas/domain/ids.ts";
import { jobMessage, MemoryGateway } from "./support/memory-gateway.ts";

const DUE_MS = DEFAULT_TIER_DUE_SECONDS.normal * 1000;

let gateway: MemoryGateway;
let batchId: BatchId;
let due: number;

/** A batch of one job that the provider does not finish. */
beforeEach(async () => {
  gateway = new MemoryGateway();
  await gateway.addTenant({ tenantId: "acme" });
  due = gateway.now + DUE_MS;
  await gateway.admit([gateway.message(jobMessage())]);
  const [planned] = await gateway.window();
  batchId = planned!;
  await gateway.submit(batchId);
});

const cancelledAt = async () => (await gateway.batches.get(batchId))?.cancelAt ?? null;

describe("a batch that is not done", () => {
  test("is stopped while the rest of it is still in time elsewhere", async () => {
    for (let polls = 0; (await cancelledAt()) === null; polls += 1) {
      expect(polls).toBeLessThan(300);
      const { waitSeconds, phase } = await gateway.poll(batchId);
      expect(phase).toBe("running");
      if ((await cancelledAt()) === null) gateway.elapse(waitSeconds * 1000);
    }
    expect(gateway.now).toBeGreaterThan(due - DUE_MS / 2);
    expect(gateway.now).toBeLessThan(due);
  });

  test("goes on where nobody looked until its jobs were due: nothing is in time for them elsewhere", async () => {
    gateway.elapse(due - gateway.now);
    expect(await gateway.poll(batchId)).toMatchObject({ phase: "running", stuck: false });
    expect(await cancelledAt()).toBeNull();
  });
});
