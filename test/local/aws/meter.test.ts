import { CreateTableCommand, GetItemCommand, PutItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
} from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalAws, startLocalAws } from "../../../local/aws/local-aws.ts";
import { type BilledUnits, Meter, NO_UNITS } from "../../../local/aws/meter.ts";
import { allow, type Clients, clientsOf, roleClients } from "./clients.ts";

const TableName = "jobs";
const Bucket = "offpeak";

describe("what AWS bills by", () => {
  const meter = new Meter();
  let aws: LocalAws;
  let root: Clients;
  let clients: Clients;
  let queueUrl: string;

  beforeAll(async () => {
    aws = await startLocalAws({ meter });
    root = clientsOf(aws);
    clients = roleClients(aws, "worker", allow(["dynamodb:*", "s3:*", "sqs:*"], "*"));
    await root.dynamodb.send(
      new CreateTableCommand({
        TableName,
        AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
        BillingMode: "PAY_PER_REQUEST",
      }),
    );
    await root.s3.send(new CreateBucketCommand({ Bucket }));
    queueUrl = (await root.sqs.send(new CreateQueueCommand({ QueueName: "jobs" }))).QueueUrl!;
  });
  afterAll(async () => {
    root.destroy();
    clients.destroy();
    await aws.close();
  });

  /** The units that the role's requests add. */
  async function unitsOf(act: () => Promise<unknown>): Promise<Partial<BilledUnits>> {
    const before = meter.units.get("worker") ?? NO_UNITS;
    await act();
    const after = meter.units.get("worker") ?? NO_UNITS;
    const added = Object.entries(after).map(([name, value]) => [
      name,
      value - before[name as keyof BilledUnits],
    ]);
    return Object.fromEntries(added.filter(([, value]) => value !== 0));
  }

  it("a written KiB is a unit, begun ones included, and a failed condition is one", async () => {
    const put = (bytes: number, ConditionExpression?: string) =>
      clients.dynamodb.send(
        new PutItemCommand({
          TableName,
          Item: { pk: { S: "a" }, text: { S: "x".repeat(bytes) } },
          ...(ConditionExpression !== undefined && { ConditionExpression }),
        }),
      );
    expect(await unitsOf(() => put(500))).toEqual({ dynamoWriteUnits: 1 });
    expect(await unitsOf(() => put(5_000))).toEqual({ dynamoWriteUnits: 5 });
    const refused = () => put(10, "attribute_not_exists(pk)").catch(() => undefined);
    expect(await unitsOf(refused)).toEqual({ dynamoWriteUnits: 1 });
  });

  it("4 KiB read are a unit, half of one where an older state will do; to find nothing is half a unit", async () => {
    const get = (ConsistentRead: boolean) =>
      clients.dynamodb.send(new GetItemCommand({ TableName, Key: { pk: { S: "a" } }, ConsistentRead }));
    expect(await unitsOf(() => get(false))).toEqual({ dynamoReadUnits: 1 });
    expect(await unitsOf(() => get(true))).toEqual({ dynamoReadUnits: 2 });
    const query = new QueryCommand({
      TableName,
      KeyConditionExpression: "pk = :pk",
      ExpressionAttributeValues: { ":pk": { S: "missing" } },
    });
    expect(await unitsOf(() => clients.dynamodb.send(query))).toEqual({ dynamoReadUnits: 0.5 });
  });

  it("64 KiB of messages are a request of SQS, on the way in and on the way out", async () => {
    const send = (count: number, bytes: number) =>
      clients.sqs.send(
        new SendMessageBatchCommand({
          QueueUrl: queueUrl,
          Entries: Array.from({ length: count }, (_, id) => ({
            Id: `${id}`,
            MessageBody: "x".repeat(bytes),
          })),
        }),
      );
    const receive = () =>
      clients.sqs.send(new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10 }));
    expect(await unitsOf(receive)).toEqual({ sqsEmptyReceives: 1 });
    expect(await unitsOf(() => send(10, 10_000))).toEqual({ sqsRequests: 2 });
    expect(await unitsOf(() => send(1, 10))).toEqual({ sqsRequests: 1 });
    const { Messages = [] } = await receive();
    const ReceiptHandle = Messages[0]?.ReceiptHandle;
    const remove = () => clients.sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
    expect(await unitsOf(remove)).toEqual({ sqsRequests: 1 });
  });

  it("writing and listing objects costs more than reading them, and deleting nothing", async () => {
    const at = { Bucket, Key: "a" };
    expect(await unitsOf(() => clients.s3.send(new PutObjectCommand({ ...at, Body: "x" })))).toEqual({
      s3Puts: 1,
    });
    const get = async () => (await clients.s3.send(new GetObjectCommand(at))).Body?.transformToString();
    expect(await unitsOf(get)).toEqual({ s3Gets: 1 });
    expect(await unitsOf(() => clients.s3.send(new ListObjectsV2Command({ Bucket })))).toEqual({ s3Puts: 1 });
    expect(await unitsOf(() => clients.s3.send(new DeleteObjectCommand(at)))).toEqual({});
  });

  it("keeps apart whose requests they are", async () => {
    const before = meter.units.get(null)?.s3Gets ?? 0;
    await root.s3.send(new PutObjectCommand({ Bucket, Key: "b", Body: "x" }));
    const read = await root.s3.send(new GetObjectCommand({ Bucket, Key: "b" }));
    await read.Body?.transformToString();
    expect(meter.units.get(null)?.s3Gets).toBe(before + 1);
  });
});
