import { PutCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DynamoLedger } from "../../lambdas/adapters/dynamo-ledger.ts";
import { MemoryLedger } from "../../lambdas/adapters/memory-ledger.ts";
import { RetryableError } from "../../lambdas/domain/failures.ts";
import { cutOff, loseNextAnswer, recordCommands } from "./client-faults.ts";
import { startTables, type Tables } from "./emulators.ts";
import { gather } from "./gather.ts";
import { describeLedger } from "./ledger-contract.ts";
import { ACME, anEntry } from "./sample-records.ts";

let tables: Tables;
beforeAll(async () => {
  tables = await startTables();
});
afterAll(() => tables.stop());

async function dynamo() {
  const client = tables.client();
  const table = await tables.create("pk", "sk");
  return { client, table, ledger: new DynamoLedger(client, table) };
}

describeLedger("memory", async () => new MemoryLedger());
describeLedger("DynamoDB", async () => (await dynamo()).ledger);

const all = (ledger: DynamoLedger) => gather(ledger.entries(ACME, "2026-01-01", "2026-12-31"));

describe("the ledger in DynamoDB", () => {
  it("takes a repetition after a lost answer for the same entry, at one write each", async () => {
    const { client, ledger } = await dynamo();
    loseNextAnswer(client, "PutItemCommand");
    const sent = recordCommands(client);
    await ledger.record([anEntry("2026-11-21#a"), anEntry("2026-11-21#b")]);
    expect(sent.filter((command) => command === "PutItemCommand")).toHaveLength(3);
    expect(await all(ledger)).toHaveLength(2);
  });

  it("tries every entry before it throws RetryableError", async () => {
    const { client, table, ledger } = await dynamo();
    cutOff(client, "PutItemCommand", 20);
    const entries = Array.from({ length: 40 }, (_, index) => anEntry(`2026-11-21#${index}`));
    await expect(ledger.record(entries)).rejects.toBeInstanceOf(RetryableError);
    expect(await all(new DynamoLedger(tables.client(), table))).toHaveLength(20);
  });

  it("reads more than one page", async () => {
    const { ledger } = await dynamo();
    // 400 entries of 4 KB are more than the 1 MB of a page.
    const entries = Array.from({ length: 400 }, (_, index) =>
      anEntry(`2026-11-21#${String(index).padStart(3, "0")}`, { agentId: "a".repeat(4000) }),
    );
    await ledger.record(entries);
    expect(await all(ledger)).toEqual(entries);
  });

  it("leaves other rows of the tenant, such as roll-ups, out", async () => {
    const { client, table, ledger } = await dynamo();
    await ledger.record([anEntry("2026-11-21#a")]);
    const rollup = { pk: `TENANT#${ACME}`, sk: "ROLLUP#2026-11", version: 1 };
    await client.send(new PutCommand({ TableName: table, Item: rollup }));
    expect(await all(ledger)).toEqual([anEntry("2026-11-21#a")]);
  });
});
