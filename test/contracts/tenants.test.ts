import { QueryCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DynamoTenants } from "../../lambdas/adapters/dynamo-tenants.ts";
import { MemoryTenants } from "../../lambdas/adapters/memory-tenants.ts";
import { loseNextAnswer, recordCommands } from "./client-faults.ts";
import { startTables, type Tables } from "./emulators.ts";
import { ACME, aTenant, NOON } from "./sample-records.ts";
import { describeTenants } from "./tenants-contract.ts";

let tables: Tables;
beforeAll(async () => {
  tables = await startTables();
});
afterAll(() => tables.stop());

async function dynamo() {
  const client = tables.client();
  const table = await tables.create("pk", "sk");
  const clock = { now: NOON };
  return { client, table, clock, tenants: new DynamoTenants(client, table, () => clock.now) };
}

describeTenants("memory", async () => new MemoryTenants());
describeTenants("DynamoDB", async () => (await dynamo()).tenants);

describe("tenants in DynamoDB", () => {
  it("keeps a policy for 30 seconds", async () => {
    const { client, table, clock, tenants } = await dynamo();
    await tenants.put(aTenant("acme"));
    await tenants.get(ACME);
    await new DynamoTenants(tables.client(), table).put(aTenant("acme", { updatedAt: NOON + 1 }));
    const sent = recordCommands(client);
    clock.now += 29_999;
    expect(await tenants.get(ACME)).toMatchObject({ revision: 1 });
    expect(sent).toEqual([]);
    clock.now += 1;
    expect(await tenants.get(ACME)).toMatchObject({ revision: 2 });
    expect(sent).toEqual(["GetItemCommand"]);
  });

  it("keeps the absence of a policy for 5 seconds", async () => {
    const { table, clock, tenants } = await dynamo();
    expect(await tenants.get(ACME)).toBeUndefined();
    await new DynamoTenants(tables.client(), table).put(aTenant("acme"));
    clock.now += 4_999;
    expect(await tenants.get(ACME)).toBeUndefined();
    clock.now += 1;
    expect(await tenants.get(ACME)).toEqual(aTenant("acme"));
  });

  it("keeps every revision before the one in force, in order", async () => {
    const { client, table, tenants } = await dynamo();
    for (let number = 0; number < 12; number++)
      await tenants.put(aTenant("acme", { updatedAt: NOON + number }));
    const { Items: items = [] } = await client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: "pk = :pk AND begins_with(sk, :sk)",
        ExpressionAttributeValues: { ":pk": `TENANT#${ACME}`, ":sk": "POLICY#" },
      }),
    );
    expect(items.map((item) => [item["revision"], item["updatedAt"]] as unknown)).toEqual(
      Array.from({ length: 11 }, (_, index) => [index + 1, NOON + index]),
    );
  });

  it("makes one revision of a put whose answer was lost", async () => {
    const { client, tenants } = await dynamo();
    loseNextAnswer(client, "PutItemCommand");
    await tenants.put(aTenant("acme"));
    expect(await tenants.get(ACME)).toMatchObject({ revision: 1 });
  });
});
