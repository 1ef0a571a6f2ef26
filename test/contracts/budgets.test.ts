import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DynamoBudgets } from "../../lambdas/adapters/dynamo-budgets.ts";
import { DynamoTenants } from "../../lambdas/adapters/dynamo-tenants.ts";
import { MemoryBudgets } from "../../lambdas/adapters/memory-budgets.ts";
import { describeBudgets } from "./budgets-contract.ts";
import { loseNextAnswer, recordCommands } from "./client-faults.ts";
import { startTables, type Tables } from "./emulators.ts";
import { gather } from "./gather.ts";
import { ACME, aTenant, NOON } from "./sample-records.ts";

const DAY = "2026-11-21";
const ONE = { chunk: "s1", amounts: [40n], budget: 100n, at: NOON };

let tables: Tables;
beforeAll(async () => {
  tables = await startTables();
});
afterAll(() => tables.stop());

async function dynamo() {
  const client = tables.client();
  const table = await tables.create("pk", "sk");
  return { client, table, budgets: new DynamoBudgets(client, table) };
}

describeBudgets("memory", async () => new MemoryBudgets());
describeBudgets("DynamoDB", async () => (await dynamo()).budgets);

describe("budgets in DynamoDB", () => {
  it("reserve once where the answer of the write was lost, and say that it was granted", async () => {
    const { client, budgets } = await dynamo();
    loseNextAnswer(client, "PutItemCommand");
    expect(await budgets.reserve(ACME, DAY, { ...ONE, amounts: [85n] })).toEqual({
      granted: [true],
      warning: 0.85,
    });
    expect(await budgets.get(ACME, DAY)).toMatchObject({ chunks: { s1: { left: "85" } } });
  });

  it("are one read and one write each, and are no tenants", async () => {
    const { client, table, budgets } = await dynamo();
    const tenants = new DynamoTenants(tables.client(), table);
    await tenants.put(aTenant("acme"));
    const sent = recordCommands(client);
    await budgets.reserve(ACME, DAY, ONE);
    await budgets.takePlaces(ACME, { limit: 1, now: NOON, before: [NOON + 1] });
    expect(sent).toEqual(["GetItemCommand", "PutItemCommand", "GetItemCommand", "PutItemCommand"]);
    expect(await gather(tenants.list())).toHaveLength(1);
  });

  it("of several workers hold together", async () => {
    const { table } = await dynamo();
    const workers = Array.from({ length: 4 }, () => new DynamoBudgets(tables.client(), table));
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, number) =>
        workers[number % 4]!.reserve(ACME, DAY, { ...ONE, chunk: `s${number}`, amounts: [7n] }),
      ),
    );
    expect(answers.filter(({ granted }) => granted[0])).toHaveLength(14);
  });
});
