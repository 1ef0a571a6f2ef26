import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  GetItemCommand,
  paginateQuery,
  PutItemCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startLocalAws } from "../../../local/aws/local-aws.ts";
import type { LocalAws } from "../../../local/aws/local-aws.ts";
import { clientsOf } from "./clients.ts";
import type { Clients } from "./clients.ts";

const TableName = "ledger";

describe("DynamoDB", () => {
  let aws: LocalAws;
  let root: Clients;

  beforeAll(async () => {
    aws = await startLocalAws();
    root = clientsOf(aws);
    await createTable(root, TableName);
  });
  afterAll(async () => {
    root.destroy();
    await aws.close();
  });

  it("has a new table ready when CreateTable answers", async () => {
    await createTable(root, "ready");
    const put = { TableName: "ready", Item: { pk: { S: "a" }, sk: { S: "b" } } };
    await expect(root.dynamodb.send(new PutItemCommand(put))).resolves.toBeDefined();
    await root.dynamodb.send(new DeleteTableCommand({ TableName: "ready" }));
  });

  it("decides conditional writes", async () => {
    const put = new PutItemCommand({
      TableName,
      Item: { pk: { S: "TENANT#acme" }, sk: { S: "once" } },
      ConditionExpression: "attribute_not_exists(pk)",
    });
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => root.dynamodb.send(put)));
    expect(outcomes.filter((outcome) => outcome.status === "fulfilled")).toHaveLength(1);
    await expect(root.dynamodb.send(put)).rejects.toMatchObject({ name: "ConditionalCheckFailedException" });
  });

  it("updates, reads and deletes", async () => {
    const Key = { pk: { S: "TENANT#acme" }, sk: { S: "updated" } };
    const update = {
      UpdateExpression: "SET #a = :a ADD #n :n",
      ExpressionAttributeNames: { "#a": "a", "#n": "n" },
      ExpressionAttributeValues: { ":a": { S: "x" }, ":n": { N: "2" } },
      ReturnValues: "ALL_NEW" as const,
    };
    const { Attributes } = await root.dynamodb.send(new UpdateItemCommand({ TableName, Key, ...update }));
    expect(Attributes).toEqual({ ...Key, a: { S: "x" }, n: { N: "2" } });
    await root.dynamodb.send(new DeleteItemCommand({ TableName, Key }));
    expect((await root.dynamodb.send(new GetItemCommand({ TableName, Key }))).Item).toBeUndefined();
  });

  it("writes and gets batches, and pages through a query", async () => {
    const keys = Array.from({ length: 20 }, (_, index) => ({
      pk: { S: "paged" },
      sk: { S: `2026-11-${index + 10}` },
    }));
    await root.dynamodb.send(
      new BatchWriteItemCommand({
        RequestItems: { [TableName]: keys.map((Item) => ({ PutRequest: { Item } })) },
      }),
    );
    const got = await root.dynamodb.send(
      new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: keys } } }),
    );
    expect(got.Responses?.[TableName]).toHaveLength(20);
    const pages: number[] = [];
    const query = {
      TableName,
      KeyConditionExpression: "pk = :pk AND begins_with(sk, :month)",
      ExpressionAttributeValues: { ":pk": { S: "paged" }, ":month": { S: "2026-11" } },
      Limit: 8,
    };
    for await (const page of paginateQuery({ client: root.dynamodb }, query)) pages.push(page.Count ?? 0);
    expect(pages).toEqual([8, 8, 4]);
  });

  it("says that it has no transactions", async () => {
    const transaction = new TransactWriteItemsCommand({
      TransactItems: [{ Put: { TableName, Item: { pk: { S: "a" }, sk: { S: "b" } } } }],
    });
    await expect(root.dynamodb.send(transaction)).rejects.toMatchObject({
      name: "UnsupportedOperation",
      message: expect.stringContaining("dynamodb:TransactWriteItems"),
    });
  });
});

async function createTable(clients: Clients, TableName: string): Promise<void> {
  await clients.dynamodb.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      AttributeDefinitions: [
        { AttributeName: "pk", AttributeType: "S" },
        { AttributeName: "sk", AttributeType: "S" },
      ],
    }),
  );
}
