import { ScanCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DynamoWindows } from "../../lambdas/adapters/dynamo-windows.ts";
import { MemoryWindows } from "../../lambdas/adapters/memory-windows.ts";
import { RetryableError } from "../../lambdas/domain/failures.ts";
import type { WindowId } from "../../lambdas/domain/ids.ts";
import { leaveUnprocessed, loseNextAnswer } from "./client-faults.ts";
import { startTables, type Tables } from "./emulators.ts";
import { NOON, segmentIds } from "./sample-records.ts";
import { describeWindows } from "./windows-contract.ts";

const WINDOW = "20261121T120000Z" as WindowId;

let tables: Tables;
beforeAll(async () => {
  tables = await startTables();
});
afterAll(() => tables.stop());

async function dynamo() {
  const client = tables.client();
  const table = await tables.create("pk", "sk");
  return { client, table, windows: new DynamoWindows(client, table, () => NOON) };
}

describeWindows("memory", async () => new MemoryWindows());
describeWindows("DynamoDB", async () => (await dynamo()).windows);

describe("windows in DynamoDB", () => {
  it("answer the same when an answer was lost", async () => {
    const { client, windows } = await dynamo();
    const calls = loseNextAnswer(client, "PutItemCommand");
    expect(await windows.acquire(WINDOW)).toBe(WINDOW);
    expect(calls()).toBe(2);
    const other = await dynamo();
    loseNextAnswer(other.client, "PutItemCommand");
    expect(await other.windows.settle(WINDOW, "plan", "hash")).toBe("hash");
  });

  it("mark and find what DynamoDB leaves unprocessed, when it is asked again", async () => {
    const { client, windows } = await dynamo();
    const segments = segmentIds(60);
    leaveUnprocessed(client, 3);
    await windows.markTaken(WINDOW, segments);
    expect(await windows.taken(segments)).toEqual(new Set(segments));
  });

  it("throw RetryableError when something stays unprocessed", async () => {
    const { client, windows } = await dynamo();
    leaveUnprocessed(client, Infinity);
    await expect(windows.markTaken(WINDOW, segmentIds(2))).rejects.toBeInstanceOf(RetryableError);
  });

  it("keep guards for 40 days, and the head for good", async () => {
    const { client, table, windows } = await dynamo();
    await windows.acquire(WINDOW);
    await windows.settle(WINDOW, "plan", "hash");
    await windows.markTaken(WINDOW, segmentIds(1));
    const { Items: items = [] } = await client.send(new ScanCommand({ TableName: table }));
    const expiries = Object.fromEntries(items.map((item) => [item["pk"], item["expiresAt"] as unknown]));
    const expiry = NOON / 1000 + 40 * 86_400;
    expect(expiries).toEqual({
      "WINDOW#HEAD": undefined,
      [`WINDOW#${WINDOW}`]: expiry,
      "SEGMENT#segment-0": expiry,
    });
  });
});
