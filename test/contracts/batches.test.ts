import { DeleteCommand, PutCommand, ScanCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DynamoBatches } from "../../lambdas/adapters/dynamo-batches.ts";
import { MemoryBatches } from "../../lambdas/adapters/memory-batches.ts";
import { TerminalError } from "../../lambdas/domain/failures.ts";
import { describeBatchOwners } from "./batch-owners-contract.ts";
import { describeBatchRuns } from "./batch-runs-contract.ts";
import { describeBatches } from "./batches-contract.ts";
import { cutOff, loseNextAnswer } from "./client-faults.ts";
import { startTables, type Tables } from "./emulators.ts";
import { gather } from "./gather.ts";
import { aPlan, NOON, OUTCOME } from "./sample-records.ts";

const PLAN = aPlan(1);
const LATER = NOON + 60_000;
const HOLD = { until: LATER, code: "insufficient_quota", message: "why" };

let tables: Tables;
beforeAll(async () => {
  tables = await startTables();
});
afterAll(() => tables.stop());

async function dynamo() {
  const client = tables.client();
  const table = await tables.create("pk", "sk");
  return { client, table, batches: new DynamoBatches(client, table, () => NOON) };
}

for (const describeContract of [describeBatches, describeBatchRuns, describeBatchOwners]) {
  describeContract("memory", async () => new MemoryBatches());
  describeContract("DynamoDB", async () => (await dynamo()).batches);
}

describe("batches in DynamoDB", () => {
  it("give a lease whose answer was lost to its taker, not to nobody", async () => {
    const { client, batches } = await dynamo();
    await batches.register(PLAN);
    const calls = loseNextAnswer(client, "PutItemCommand");
    expect(await batches.lease(PLAN.batchId, NOON, LATER)).toMatchObject({ fence: 1 });
    expect(calls()).toBe(2);
  });

  it("give an account's lock whose answer was lost to its taker", async () => {
    const { client, batches } = await dynamo();
    loseNextAnswer(client, "PutItemCommand");
    expect(await batches.lockAccount("anthropic-main", PLAN.batchId, NOON, LATER)).toBe(true);
  });

  it.each<[string, (batches: DynamoBatches) => Promise<unknown>, unknown]>([
    ["a restart", (batches) => batches.restart(PLAN.batchId, 1), 2],
    ["a cancel", (batches) => batches.recordCancel(PLAN.batchId, NOON), NOON],
    ["a hold", (batches) => batches.hold("openai-main", HOLD), undefined],
    ["closing", (batches) => batches.close(PLAN.batchId, LATER, OUTCOME), undefined],
  ])("do %s once when its answer was lost", async (what, act, answer) => {
    const { client, batches } = await dynamo();
    await batches.register(PLAN);
    const calls = loseNextAnswer(client, "PutItemCommand");
    expect(await act(batches)).toBe(answer);
    expect(calls()).toBe(2);
    expect((await batches.get(PLAN.batchId))?.generation).toBe(what === "a restart" ? 2 : 1);
  });

  it("leave a provider batch to its next owner when the answer to giving it up was lost", async () => {
    const { client, batches } = await dynamo();
    await batches.ownProviderBatch("openai-main", "batch_1", PLAN.batchId);
    const calls = loseNextAnswer(client, "DeleteItemCommand");
    await batches.disownProviderBatch("openai-main", "batch_1", PLAN.batchId);
    expect(calls()).toBe(2);
    expect(await batches.providerBatchOwner("openai-main", "batch_1")).toBeUndefined();
  });

  it("read rows of the release before, and carry them on", async () => {
    const { client, table, batches } = await dynamo();
    await batches.register(PLAN);
    const { Items: items = [] } = await client.send(new ScanCommand({ TableName: table }));
    for (const item of items) {
      const { pk, sk, plan } = item;
      if (String(pk).startsWith("PLANNED#")) {
        await client.send(new DeleteCommand({ TableName: table, Key: { pk, sk } }));
        continue;
      }
      const { cancelAt: _cancel, abandonedAt: _abandoned, outcome: _outcome, ...kept } = item;
      const { orphanOf: _orphanOf, ...before } = plan as typeof PLAN;
      await client.send(new PutCommand({ TableName: table, Item: { ...kept, plan: before } }));
    }
    expect(await batches.get(PLAN.batchId)).toMatchObject({ plan: PLAN, cancelAt: null, outcome: null });
    expect(await gather(batches.listOpen("openai-main"))).toEqual([PLAN]);
    expect(await batches.recordCancel(PLAN.batchId, NOON)).toBe(NOON);
    expect(await batches.restart(PLAN.batchId, 1)).toBe(2);
    await batches.register(PLAN);
    expect(await batches.get(PLAN.batchId)).toMatchObject({ cancelAt: NOON, generation: 2 });
    expect(await gather(batches.listPlanned("openai-main", NOON, LATER))).toEqual([PLAN]);
    await batches.close(PLAN.batchId, LATER, OUTCOME);
    expect(await batches.get(PLAN.batchId)).toMatchObject({ closedAt: LATER, outcome: OUTCOME });
  });

  it("refuse to read rows of a version they do not know", async () => {
    const { client, table, batches } = await dynamo();
    await batches.register(PLAN);
    await batches.hold("openai-main", HOLD);
    const { Items: items = [] } = await client.send(new ScanCommand({ TableName: table }));
    for (const item of items) {
      const plan: unknown = item["plan"] && { ...PLAN, version: 99 };
      await client.send(new PutCommand({ TableName: table, Item: { ...item, version: 99, plan } }));
    }
    await expect(batches.get(PLAN.batchId)).rejects.toBeInstanceOf(TerminalError);
    await expect(gather(batches.listOpen("openai-main"))).rejects.toBeInstanceOf(TerminalError);
    const planned = gather(batches.listPlanned("openai-main", NOON, LATER));
    await expect(planned).rejects.toBeInstanceOf(TerminalError);
    await expect(batches.holdOf("openai-main")).rejects.toBeInstanceOf(TerminalError);
  });

  it("finish on a repetition what a worker that died while registering or closing left", async () => {
    const { table, batches } = await dynamo();
    for (const passing of [0, 1, 2]) {
      const registering = tables.client();
      cutOff(registering, "PutItemCommand", passing);
      await expect(new DynamoBatches(registering, table).register(PLAN)).rejects.toThrow();
      expect(await gather(batches.listOpen("openai-main"))).toEqual([]);
    }
    await batches.register(PLAN);
    expect(await gather(batches.listOpen("openai-main"))).toEqual([PLAN]);
    expect(await gather(batches.listPlanned("openai-main", NOON, LATER))).toEqual([PLAN]);

    const closing = tables.client();
    cutOff(closing, "DeleteItemCommand");
    await expect(new DynamoBatches(closing, table).close(PLAN.batchId, LATER, OUTCOME)).rejects.toThrow();
    expect(await batches.get(PLAN.batchId)).toMatchObject({ state: "closed" });
    await batches.close(PLAN.batchId, LATER, OUTCOME);
    expect(await gather(batches.listOpen("openai-main"))).toEqual([]);
  });

  it("keep batches for good, recent ones 35 days and every other row 40 days", async () => {
    const { client, table, batches } = await dynamo();
    await batches.register(PLAN);
    await batches.ownProviderBatch("openai-main", "batch_1", PLAN.batchId);
    await batches.lockAccount("openai-main", PLAN.batchId, NOON, NOON);
    await batches.hold("openai-main", { ...HOLD, until: NOON });
    const { Items: items = [] } = await client.send(new ScanCommand({ TableName: table }));
    const after = (days: number) => NOON / 1000 + days * 86_400;
    const expiries = items.map(({ pk, sk, expiresAt }) => [`${pk} ${sk}`, expiresAt as unknown]);
    expect(Object.fromEntries(expiries)).toEqual({
      [`BATCH#${PLAN.batchId} BATCH`]: undefined,
      [`OPEN#openai-main ${PLAN.batchId}`]: after(40),
      [`PLANNED#openai-main 00${NOON}#${PLAN.batchId}`]: after(35),
      "PROVIDER#openai-main batch_1": after(40),
      "ACCOUNT#openai-main lock": after(40),
      "ACCOUNT#openai-main hold": after(40),
    });
  });
});
