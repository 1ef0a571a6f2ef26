import { ScanCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DynamoBatches } from "../../lambdas/adapters/dynamo-batches.ts";
import { MemoryBatches } from "../../lambdas/adapters/memory-batches.ts";
import { describeBatchOwners } from "./batch-owners-contract.ts";
import { describeBatches } from "./batches-contract.ts";
import { cutOff, loseNextAnswer } from "./client-faults.ts";
import { startTables, type Tables } from "./emulators.ts";
import { gather } from "./gather.ts";
import { aPlan, NOON } from "./sample-records.ts";

const PLAN = aPlan(1);
const LATER = NOON + 60_000;

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

for (const describeContract of [describeBatches, describeBatchOwners]) {
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

  it("finish on a repetition what a worker that died while registering or closing left", async () => {
    const { table, batches } = await dynamo();
    const registering = tables.client();
    cutOff(registering, "PutItemCommand", 1);
    await expect(new DynamoBatches(registering, table).register(PLAN)).rejects.toThrow();
    expect(await gather(batches.listOpen("openai-main"))).toEqual([]);
    await batches.register(PLAN);
    expect(await gather(batches.listOpen("openai-main"))).toEqual([PLAN]);

    const closing = tables.client();
    cutOff(closing, "DeleteItemCommand");
    await expect(new DynamoBatches(closing, table).close(PLAN.batchId, LATER)).rejects.toThrow();
    expect(await batches.get(PLAN.batchId)).toMatchObject({ state: "closed" });
    await batches.close(PLAN.batchId, LATER);
    expect(await gather(batches.listOpen("openai-main"))).toEqual([]);
  });

  it("keep batches for good and every other row for 40 days", async () => {
    const { client, table, batches } = await dynamo();
    await batches.register(PLAN);
    await batches.ownProviderBatch("openai-main", "batch_1", PLAN.batchId);
    await batches.lockAccount("openai-main", PLAN.batchId, NOON, NOON);
    const { Items: items = [] } = await client.send(new ScanCommand({ TableName: table }));
    const expiry = NOON / 1000 + 40 * 86_400;
    expect(Object.fromEntries(items.map((item) => [item["pk"], item["expiresAt"] as unknown]))).toEqual({
      [`BATCH#${PLAN.batchId}`]: undefined,
      "OPEN#openai-main": expiry,
      "PROVIDER#openai-main": expiry,
      "ACCOUNT#openai-main": expiry,
    });
  });
});
