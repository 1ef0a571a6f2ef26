import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  CreateTableCommand,
  GetItemCommand,
  PutItemCommand,
} from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FaultPlan } from "../../../local/aws/faults.ts";
import { startLocalAws } from "../../../local/aws/local-aws.ts";
import type { LocalAws } from "../../../local/aws/local-aws.ts";
import { allow, clientsOf, roleClients } from "./clients.ts";
import type { Clients } from "./clients.ts";

const TableName = "jobs";
const Bucket = "gateway";

function put(pk: string): PutItemCommand {
  return new PutItemCommand({ TableName, Item: { pk: { S: pk } } });
}

describe("faults and counts", () => {
  let aws: LocalAws;
  let root: Clients;
  let QueueUrl: string;

  beforeEach(async () => {
    aws = await startLocalAws();
    root = clientsOf(aws);
    QueueUrl = (await root.sqs.send(new CreateQueueCommand({ QueueName: "jobs" }))).QueueUrl ?? "";
    await root.s3.send(new CreateBucketCommand({ Bucket }));
    await root.dynamodb.send(
      new CreateTableCommand({
        TableName,
        BillingMode: "PAY_PER_REQUEST",
        KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
        AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
      }),
    );
  });
  afterEach(async () => {
    root.destroy();
    await aws.close();
  });

  const has = async (pk: string): Promise<boolean> =>
    (await root.dynamodb.send(new GetItemCommand({ TableName, Key: { pk: { S: pk } } }))).Item !== undefined;

  it("throttles the next n requests, each service in its own words", async () => {
    aws.faults.add({ kind: "throttle", action: "dynamodb:PutItem", when: { next: 2 } });
    aws.faults.add({ kind: "throttle", action: "sqs:SendMessage", when: { next: 1 } });
    aws.faults.add({ kind: "throttle", action: "s3:*", when: { next: 1 } });
    const throttled = { name: "ProvisionedThroughputExceededException" };
    await expect(root.dynamodb.send(put("a"))).rejects.toMatchObject(throttled);
    await expect(root.dynamodb.send(put("a"))).rejects.toMatchObject(throttled);
    expect(await has("a")).toBe(false);
    await root.dynamodb.send(put("a"));
    expect(await has("a")).toBe(true);
    await expect(root.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "x" }))).rejects.toMatchObject(
      { name: "RequestThrottled" },
    );
    await expect(root.s3.send(new PutObjectCommand({ Bucket, Key: "k", Body: "x" }))).rejects.toMatchObject({
      name: "SlowDown",
      $metadata: { httpStatusCode: 503 },
    });
  });

  it("fails before the effect", async () => {
    aws.faults.add({ kind: "fail-before", action: "dynamodb:PutItem", when: { next: 1 } });
    await expect(root.dynamodb.send(put("a"))).rejects.toMatchObject({
      name: "InternalServerError",
      $metadata: { httpStatusCode: 500 },
    });
    expect(await has("a")).toBe(false);
  });

  it("fails after the effect, with the answer lost", async () => {
    aws.faults.add({ kind: "fail-after", action: "*", when: { next: 3 } });
    await expect(root.dynamodb.send(put("a"))).rejects.toMatchObject({ code: "ECONNRESET" });
    await expect(root.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "x" }))).rejects.toMatchObject(
      {
        code: "ECONNRESET",
      },
    );
    await expect(root.s3.send(new PutObjectCommand({ Bucket, Key: "k", Body: "x" }))).rejects.toMatchObject({
      code: "ECONNRESET",
    });
    expect(await has("a")).toBe(true);
    expect((await root.sqs.send(new ReceiveMessageCommand({ QueueUrl }))).Messages).toHaveLength(1);
    expect((await root.s3.send(new GetObjectCommand({ Bucket, Key: "k" }))).ContentLength).toBe(1);
  });

  it("leaves half of a DynamoDB batch unprocessed, and the rest can be sent again", async () => {
    aws.faults.add({ kind: "unprocessed", action: "dynamodb:Batch*", when: { next: 4 } });
    const keys = Array.from({ length: 5 }, (_, index) => ({ pk: { S: `k${index}` } }));
    let writes: BatchWriteItemCommand["input"]["RequestItems"] = {
      [TableName]: keys.map((Item) => ({ PutRequest: { Item } })),
    };
    const left: number[] = [];
    while (Object.keys(writes ?? {}).length > 0) {
      writes = (await root.dynamodb.send(new BatchWriteItemCommand({ RequestItems: writes })))
        .UnprocessedItems;
      left.push(writes?.[TableName]?.length ?? 0);
    }
    expect(left).toEqual([3, 2, 1, 1, 0]);
    aws.faults.add({ kind: "unprocessed", action: "dynamodb:BatchGetItem", when: { next: 1 } });
    const got = await root.dynamodb.send(
      new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: keys, ConsistentRead: true } } }),
    );
    expect(got.Responses?.[TableName]).toHaveLength(2);
    expect(got.UnprocessedKeys?.[TableName]).toEqual({ Keys: keys.slice(2), ConsistentRead: true });
  });

  it("fails half of an SQS batch by entry", async () => {
    aws.faults.add({ kind: "unprocessed", action: "sqs:SendMessageBatch", when: { next: 2 } });
    const send = (count: number): SendMessageBatchCommand =>
      new SendMessageBatchCommand({
        QueueUrl,
        Entries: Array.from({ length: count }, (_, index) => ({ Id: `${index}`, MessageBody: "\u{1F389}" })),
      });
    const sent = await root.sqs.send(send(4));
    expect(sent.Successful?.map((entry) => entry.Id)).toEqual(["0", "1"]);
    expect(sent.Failed).toMatchObject([
      { Id: "2", SenderFault: false, Code: "InternalError" },
      { Id: "3", SenderFault: false, Code: "InternalError" },
    ]);
    expect((await root.sqs.send(send(1))).Failed).toHaveLength(1);
    const { Attributes } = await root.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["ApproximateNumberOfMessages"] }),
    );
    expect(Attributes?.ApproximateNumberOfMessages).toBe("2");
  });

  it("strikes only the role and resource that it names, until it is disarmed", async () => {
    const role = roleClients(aws, "settle-part", allow("*", "*"));
    const resource = "arn:aws:dynamodb:*:*:table/jobs";
    const fault = { kind: "fail-before", action: "dynamodb:*", when: { next: 100 } } as const;
    const disarm = aws.faults.add({ ...fault, resource, roleName: "settle-part" });
    aws.faults.add({ ...fault, resource: "arn:aws:dynamodb:*:*:table/ledger" });
    await root.dynamodb.send(put("a"));
    await expect(role.dynamodb.send(put("a"))).rejects.toMatchObject({ name: "InternalServerError" });
    disarm();
    await role.dynamodb.send(put("a"));
    role.destroy();
  });

  it("counts requests by IAM action", async () => {
    await root.dynamodb.send(put("a"));
    await root.dynamodb.send(put("b"));
    await root.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "x" }));
    await root.sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: [{ Id: "0", MessageBody: "x" }] }));
    expect(Object.fromEntries(aws.counts)).toEqual({
      "dynamodb:CreateTable": 1,
      "dynamodb:PutItem": 2,
      "s3:CreateBucket": 1,
      "sqs:CreateQueue": 1,
      "sqs:SendMessage": 2,
    });
  });
});

describe("FaultPlan", () => {
  it("draws the same faults for the same seed, at about the rate", () => {
    const target = {
      operation: "sqs:SendMessage",
      accesses: [{ action: "sqs:SendMessage", resource: "*", context: {} }],
      roleName: null,
      canRunPartly: false,
    };
    const draw = (seed: number): boolean[] => {
      const plan = new FaultPlan();
      plan.add({ kind: "throttle", action: "sqs:*", when: { rate: 0.1, seed } });
      return Array.from({ length: 2000 }, () => plan.strike(target) === "throttle");
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    const struck = draw(7).filter(Boolean).length;
    expect(struck).toBeGreaterThan(140);
    expect(struck).toBeLessThan(260);
  });
});
