import { beforeEach, describe, expect, test } from "vitest";
import type { BatchId } from "../../lambdas/domain/ids.ts";
import { jobMessage, MemoryGateway } from "./support/memory-gateway.ts";

/** A gateway with one written batch of three jobs. */
async function writtenBatch(namesBatches: boolean): Promise<{ gateway: MemoryGateway; batchId: BatchId }> {
  const gateway = new MemoryGateway({ namesBatches });
  await gateway.addTenant({ tenantId: "acme" });
  await gateway.admit(
    ["a", "b", "c"].map((idempotencyKey) => gateway.message(jobMessage({ idempotencyKey }))),
  );
  const [batchId] = await gateway.window();
  return { gateway, batchId: batchId! };
}

/** One submission whose create gets no answer, after the provider did its part or before. */
async function submitWithoutAnswer(
  gateway: MemoryGateway,
  batchId: BatchId,
  providerHas: boolean,
): Promise<void> {
  const create = gateway.provider.create.bind(gateway.provider);
  gateway.provider.create = async (input) => {
    if (providerHas) await create(input);
    throw new Error("socket hang up");
  };
  await expect(gateway.submit(batchId)).rejects.toThrow("socket hang up");
  gateway.provider.create = create;
}

describe.each([true, false])("submission where batches carry our name: %s", (namesBatches) => {
  let gateway: MemoryGateway;
  let batchId: BatchId;
  beforeEach(async () => {
    ({ gateway, batchId } = await writtenBatch(namesBatches));
  });

  test("after a lost answer adopts the batch that was created", async () => {
    await submitWithoutAnswer(gateway, batchId, true);
    expect(await gateway.submit(batchId)).toEqual({ kind: "submitted" });
    expect(gateway.provider.created).toHaveLength(1);
    expect((await gateway.batches.get(batchId))?.providerBatchId).toBe(gateway.provider.created[0]);
  });

  test("creates nothing while a lost create may still show up, and creates once it cannot", async () => {
    await submitWithoutAnswer(gateway, batchId, false);
    await expect(gateway.submit(batchId)).rejects.toThrow("looking again");
    gateway.now += 120_000;
    expect(await gateway.submit(batchId)).toEqual({ kind: "submitted" });
    expect(gateway.provider.created).toHaveLength(1);
  });

  test("two workers at once make one batch, and a third run changes nothing", async () => {
    await Promise.allSettled([gateway.submit(batchId), gateway.submit(batchId)]);
    expect(await gateway.submit(batchId)).toEqual({ kind: "submitted" });
    expect(gateway.provider.created).toHaveLength(1);
  });

  test("a worker that dies between the record and its last step holds up no other batch", async () => {
    const unlock = gateway.batches.unlockAccount.bind(gateway.batches);
    gateway.batches.unlockAccount = () => Promise.reject(new Error("died"));
    await gateway.submit(batchId).catch(() => undefined);
    gateway.batches.unlockAccount = unlock;
    await gateway.submit(batchId);
    await gateway.admit([gateway.message(jobMessage({ idempotencyKey: "next" }))]);
    const [next] = await gateway.window();
    expect(await gateway.submit(next!)).toEqual({ kind: "submitted" });
  });
});
