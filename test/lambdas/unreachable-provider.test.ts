import { beforeEach, describe, expect, test } from "vitest";
import { closeBatch } from "../../lambdas/close-batch/close-batch.ts";
import { RetryableError } from "../../lambdas/domain/failures.ts";
import type { BatchId } from "../../lambdas/domain/ids.ts";
import { answerAll, answerLine, jobMessage, MemoryGateway } from "./support/memory-gateway.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
let gateway: MemoryGateway;

beforeEach(async () => {
  gateway = new MemoryGateway();
  await gateway.addTenant({ tenantId: "acme" });
});

async function batchOf(jobs: number): Promise<BatchId> {
  await gateway.admit(
    Array.from({ length: jobs }, (_, number) =>
      gateway.message(jobMessage({ idempotencyKey: `job-${number}`, tier: "low" })),
    ),
  );
  const [batchId] = await gateway.window();
  return batchId!;
}

async function submitted(jobs: number): Promise<{ batchId: BatchId; providerBatchId: string }> {
  const batchId = await batchOf(jobs);
  await gateway.submit(batchId);
  const record = await gateway.batches.get(batchId);
  return { batchId, providerBatchId: record!.providerBatchId! };
}

const refuse = async (): Promise<never> => {
  throw new RetryableError("503");
};

async function statuses(): Promise<string[]> {
  return (await gateway.results("acme")).map(({ status }) => status).toSorted();
}

async function kinds(): Promise<string[]> {
  return (await gateway.entries("acme")).map(({ kind }) => kind).toSorted();
}

test("a batch that cannot be created for a week past its due time is given back, and its jobs expire", async () => {
  const batchId = await batchOf(2);
  gateway.provider.create = refuse;
  gateway.provider.listSince = () => {
    throw new RetryableError("503");
  };
  await expect(gateway.submit(batchId)).rejects.toThrow("503");
  gateway.now += 7 * DAY;
  await expect(gateway.submit(batchId)).rejects.toThrow("503");
  gateway.now += DAY;
  expect(await gateway.submit(batchId)).toEqual({ kind: "refused" });
  await gateway.finish(batchId);
  gateway.now += HOUR;
  await gateway.window();
  for (const request of gateway.runs.take()) await gateway.runRequested(request);
  expect(await statuses()).toEqual(["expired", "expired"]);
});

test("a batch that cannot be looked at for days is given up; what it came to is charged and delivered", async () => {
  const { batchId, providerBatchId } = await submitted(2);
  const get = gateway.provider.get.bind(gateway.provider);
  gateway.provider.end(providerBatchId, (lines) => ({ status: "expired", output: [answerLine(lines[0]!)] }));
  gateway.provider.get = refuse;
  gateway.now += 2 * DAY;
  await expect(gateway.poll(batchId)).rejects.toThrow("503");
  await expect(gateway.collect(batchId)).rejects.toThrow("503");
  gateway.now += DAY;
  expect(await gateway.poll(batchId)).toMatchObject({ phase: "ended", stuck: true });
  await gateway.finish(batchId);
  // Its jobs go on elsewhere; the orphan is looked at for as long as it may bill.
  const [next] = await gateway.window();
  await gateway.runBatch(next!, answerAll).catch(() => undefined);
  gateway.provider.get = get;
  await gateway.finish(next!);
  const [orphan] = await Array.fromAsync(gateway.batches.listOpen("openai"));
  expect(orphan).toMatchObject({ orphanOf: batchId });
  await gateway.finish(orphan!.batchId);
  expect(await statuses()).toEqual(["succeeded", "succeeded"]);
  expect((await gateway.entries("acme")).reduce((sum, { answers }) => sum + answers, 0)).toBe(3);
  expect(await Array.fromAsync(gateway.batches.listOpen("openai"))).toEqual([]);
});

describe("results", () => {
  test("whose download breaks off for days are settled as far as they came, and the rest is named", async () => {
    const { batchId, providerBatchId } = await submitted(2);
    gateway.provider.end(providerBatchId, answerAll);
    const output = gateway.provider.output.bind(gateway.provider);
    gateway.provider.output = async function* (batch, file) {
      if (file === "errors") return;
      for await (const bytes of output(batch, file)) {
        yield bytes;
        yield Buffer.from('{"custom_id":"cut o');
        throw new RetryableError("cut off");
      }
    };
    await expect(gateway.collect(batchId)).rejects.toThrow("cut off");
    gateway.now += 2 * DAY;
    await expect(gateway.collect(batchId)).rejects.toThrow("cut off");
    gateway.now += DAY;
    await gateway.finish(batchId);
    expect(await statuses()).toEqual(["succeeded"]);
    expect(await kinds()).toEqual(["batch", "unconfirmed"]);
    expect(await gateway.window()).toHaveLength(1);
  });

  test("are dated by us where the provider's time cannot be", async () => {
    for (const [round, endedAt] of [0, gateway.now * 1000].entries()) {
      const { batchId, providerBatchId } = await submitted(1 + round);
      const get = gateway.provider.get.bind(gateway.provider);
      gateway.provider.end(providerBatchId, answerAll);
      gateway.provider.get = async (id) => ({ ...(await get(id)), endedAt });
      await gateway.finish(batchId);
      gateway.provider.get = get;
    }
    expect((await gateway.entries("acme")).map(({ date }) => date)).toEqual(["2026-11-21", "2026-11-21"]);
  });
});

test.each([
  ["long before it was sent", () => 0],
  ["in a time to come", () => gateway.now * 1000],
])(
  "a batch that says to be in its state since %s is stuck after a day and no earlier",
  async (_what, since) => {
    const { batchId } = await submitted(1);
    const get = gateway.provider.get.bind(gateway.provider);
    gateway.provider.get = async (id) => ({ ...(await get(id)), stageSince: since() });
    expect(await gateway.poll(batchId)).toMatchObject({ phase: "running", stuck: false });
    gateway.now += 24 * HOUR;
    expect(await gateway.poll(batchId)).toMatchObject({ phase: "running", stuck: false });
    gateway.now += 26 * HOUR;
    expect(await gateway.poll(batchId)).toMatchObject({ stuck: true });
  },
);

test("files that the provider does not delete keep a batch open for days, not for ever", async () => {
  const { batchId, providerBatchId } = await submitted(1);
  gateway.provider.end(providerBatchId, answerAll);
  gateway.provider.deleteFiles = refuse;
  await expect(gateway.finish(batchId)).rejects.toThrow("503");
  expect(await statuses()).toEqual(["succeeded"]);
  gateway.now += 3 * DAY;
  expect(await closeBatch(batchId, "delete", gateway)).toMatchObject({ answered: 1 });
  expect((await gateway.batches.get(batchId))!.state).toBe("closed");
});
