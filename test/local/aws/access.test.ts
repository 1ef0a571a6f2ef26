import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { AttributeValue, WriteRequest } from "@aws-sdk/client-dynamodb";
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import {
  ChangeMessageVisibilityBatchCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  ListDeadLetterSourceQueuesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { App, Stack } from "aws-cdk-lib";
import { Table } from "aws-cdk-lib/aws-dynamodb";
import { Role } from "aws-cdk-lib/aws-iam";
import type { IGrantable } from "aws-cdk-lib/aws-iam";
import { ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Bucket as CdkBucket } from "aws-cdk-lib/aws-s3";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { Template } from "aws-cdk-lib/assertions";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { startLocalAws } from "../../../local/aws/local-aws.ts";
import type { LocalAws, PolicyDocument } from "../../../local/aws/local-aws.ts";
import { policyDocumentSchema } from "../../../local/aws/policy-document.ts";
import { allow, clientsOf, roleClients } from "./clients.ts";
import type { Clients } from "./clients.ts";

type Request = (to: Clients) => Promise<unknown>;
interface Key extends Record<string, AttributeValue> {
  readonly pk: { S: string };
}

const Bucket = "gateway";
const TableName = "jobs";
const QUEUE_ARN = "arn:aws:sqs:us-east-1:000000000000:jobs";
const TABLE_ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/jobs";
const BUCKET_ARN = "arn:aws:s3:::gateway";

describe("what a role may do", () => {
  let aws: LocalAws;
  let root: Clients;
  let QueueUrl: string;
  const opened: Clients[] = [];

  const role = (...policies: PolicyDocument[]): Clients => {
    const clients = roleClients(aws, `role-${opened.length}`, ...policies);
    opened.push(clients);
    return clients;
  };

  beforeAll(async () => {
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
  afterAll(async () => {
    for (const clients of [root, ...opened]) clients.destroy();
    await aws.close();
  });

  it("follows CDK's queue grants", async () => {
    const sender = role(
      grantedBy((stack, to) => Queue.fromQueueArn(stack, "Q", QUEUE_ARN).grantSendMessages(to)),
    );
    const consumer = role(
      grantedBy((stack, to) => Queue.fromQueueArn(stack, "Q", QUEUE_ARN).grantConsumeMessages(to)),
    );
    const send = new SendMessageBatchCommand({ QueueUrl, Entries: [{ Id: "0", MessageBody: "x" }] });
    const receive = new ReceiveMessageCommand({ QueueUrl });
    await sender.sqs.send(send);
    const ReceiptHandle = (await consumer.sqs.send(receive)).Messages?.[0]?.ReceiptHandle;
    const Entries = [{ Id: "0", ReceiptHandle }];
    await consumer.sqs.send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl,
        Entries: [{ Id: "0", ReceiptHandle, VisibilityTimeout: 60 }],
      }),
    );
    await consumer.sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    const denied = { name: expect.stringContaining("AccessDenied"), $metadata: { httpStatusCode: 403 } };
    await expect(consumer.sqs.send(send)).rejects.toMatchObject(denied);
    await expect(sender.sqs.send(receive)).rejects.toMatchObject(denied);
    await expect(sender.sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }))).rejects.toMatchObject(
      denied,
    );
    await expect(consumer.sqs.send(new PurgeQueueCommand({ QueueUrl }))).rejects.toMatchObject(denied);
    const otherUrl = QueueUrl.replace("jobs", "other");
    await expect(
      sender.sqs.send(new SendMessageCommand({ QueueUrl: otherUrl, MessageBody: "x" })),
    ).rejects.toMatchObject(denied);
    expect(aws.denials.at(-1)).toMatchObject({
      action: "sqs:SendMessage",
      resource: "arn:aws:sqs:us-east-1:000000000000:other",
    });
  });

  it("follows CDK's table grants", async () => {
    const Key = { pk: { S: "a" } };
    const reader = role(
      grantedBy((stack, to) => Table.fromTableArn(stack, "T", TABLE_ARN).grantReadData(to)),
    );
    const writer = role(
      grantedBy((stack, to) => Table.fromTableArn(stack, "T", TABLE_ARN).grantWriteData(to)),
    );
    const denied = { name: "AccessDeniedException", message: expect.stringContaining(TABLE_ARN) };
    const writes: Request[] = [
      (to) => to.dynamodb.send(new PutItemCommand({ TableName, Item: Key })),
      (to) => to.dynamodb.send(new UpdateItemCommand({ TableName, Key })),
      (to) => to.dynamodb.send(batchWrite({ PutRequest: { Item: Key } })),
      (to) => to.dynamodb.send(new DeleteItemCommand({ TableName, Key })),
    ];
    const reads: Request[] = [
      (to) => to.dynamodb.send(new GetItemCommand({ TableName, Key })),
      (to) => to.dynamodb.send(batchGet(Key)),
      (to) => to.dynamodb.send(query(Key)),
      (to) => to.dynamodb.send(new ScanCommand({ TableName })),
    ];
    for (const write of writes) {
      await expect(write(writer)).resolves.toBeDefined();
      await expect(write(reader)).rejects.toMatchObject(denied);
    }
    for (const read of reads) {
      await expect(read(reader)).resolves.toBeDefined();
      await expect(read(writer)).rejects.toMatchObject(denied);
    }
  });

  it("checks the partition keys of every item against dynamodb:LeadingKeys", async () => {
    const tenant = role({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Action: ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:BatchWriteItem"],
          Resource: TABLE_ARN,
          Condition: {
            "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": ["TENANT#acme"] },
            Null: { "dynamodb:LeadingKeys": "false" },
          },
        },
      ],
    });
    const own = { pk: { S: "TENANT#acme" } };
    const foreign = { pk: { S: "TENANT#globex" } };
    const mixed: Request[] = [
      (to) => to.dynamodb.send(batchGet(own, foreign)),
      (to) =>
        to.dynamodb.send(batchWrite({ DeleteRequest: { Key: own } }, { PutRequest: { Item: foreign } })),
      (to) => to.dynamodb.send(new ScanCommand({ TableName })),
    ];
    for (const request of onOneItem(own)) await expect(request(tenant)).resolves.toBeDefined();
    for (const request of [...onOneItem(foreign), ...mixed])
      await expect(request(tenant)).rejects.toMatchObject({ name: "AccessDeniedException" });
  });

  it("follows CDK's bucket grants", async () => {
    const reader = role(grantedBy((stack, to) => bucketOf(stack).grantRead(to, "inbox/*")));
    const writer = role(grantedBy((stack, to) => bucketOf(stack).grantPut(to, "inbox/*")));
    const Key = "inbox/tenant=acme/1";
    const denied = { name: "AccessDenied", $metadata: { httpStatusCode: 403 } };
    const put = new PutObjectCommand({ Bucket, Key, Body: "x" });
    await writer.s3.send(put);
    const { UploadId } = await writer.s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    await writer.s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: "x" }));
    await writer.s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    expect((await reader.s3.send(new GetObjectCommand({ Bucket, Key }))).ContentLength).toBe(1);
    await reader.s3.send(new ListObjectsV2Command({ Bucket }));
    await expect(reader.s3.send(put)).rejects.toMatchObject(denied);
    await expect(reader.s3.send(new CreateMultipartUploadCommand({ Bucket, Key }))).rejects.toMatchObject(
      denied,
    );
    await expect(writer.s3.send(new GetObjectCommand({ Bucket, Key }))).rejects.toMatchObject(denied);
    await expect(writer.s3.send(new ListPartsCommand({ Bucket, Key, UploadId }))).rejects.toMatchObject(
      denied,
    );
    await expect(
      writer.s3.send(new PutObjectCommand({ Bucket, Key: "segments/1", Body: "x" })),
    ).rejects.toMatchObject(denied);
    // A copy needs to read one side and write the other.
    const copy = new CopyObjectCommand({ Bucket, Key: "inbox/2", CopySource: `${Bucket}/${Key}` });
    await expect(writer.s3.send(copy)).rejects.toMatchObject(denied);
    await expect(reader.s3.send(copy)).rejects.toMatchObject(denied);
    const deletes = role(allow("s3:DeleteObject*", `${BUCKET_ARN}/inbox/*`));
    const remove = (...keys: string[]): DeleteObjectsCommand =>
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((key) => ({ Key: key })) } });
    await deletes.s3.send(remove("inbox/none"));
    await expect(deletes.s3.send(remove("inbox/none", "segments/1"))).rejects.toMatchObject(denied);
  });

  it("checks s3:prefix, and hides missing objects from those who may not list", async () => {
    const lister = role({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Action: "s3:ListBucket",
          Resource: BUCKET_ARN,
          Condition: { StringLike: { "s3:prefix": ["inbox/tenant=acme/*"] } },
        },
        { Effect: "Allow", Action: "s3:GetObject", Resource: `${BUCKET_ARN}/*` },
      ],
    });
    const denied = { name: "AccessDenied" };
    await lister.s3.send(new ListObjectsV2Command({ Bucket, Prefix: "inbox/tenant=acme/" }));
    for (const Prefix of [undefined, "inbox/", "inbox/tenant=globex/"])
      await expect(lister.s3.send(new ListObjectsV2Command({ Bucket, Prefix }))).rejects.toMatchObject(
        denied,
      );
    const missing = { Bucket, Key: "inbox/tenant=acme/none" };
    await expect(lister.s3.send(new GetObjectCommand(missing))).rejects.toMatchObject(denied);
    await expect(lister.s3.send(new HeadObjectCommand(missing))).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    });
    await expect(root.s3.send(new GetObjectCommand(missing))).rejects.toMatchObject({ name: "NoSuchKey" });
  });

  it("lets Deny win, and refuses what it has no permission for by name", async () => {
    const almighty = role(allow("*", "*"), {
      Version: "2012-10-17",
      Statement: [{ Effect: "Deny", Action: "sqs:SendMessage", Resource: "*" }],
    });
    await almighty.sqs.send(new ReceiveMessageCommand({ QueueUrl }));
    await expect(
      almighty.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "x" })),
    ).rejects.toHaveProperty("name", expect.stringContaining("AccessDenied"));
    await expect(
      almighty.sqs.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl })),
    ).rejects.toMatchObject({
      message: expect.stringContaining("sqs:ListDeadLetterSourceQueues"),
      $metadata: { httpStatusCode: 400 },
    });
  });

  it("refuses to register a policy that it cannot judge", () => {
    const policies = [allow("s3:*", "*")];
    expect(() =>
      aws.registerPrincipal({
        roleName: "odd",
        policies: [
          ...policies,
          {
            Version: "2012-10-17",
            Statement: [
              {
                Effect: "Allow",
                Action: "*",
                Resource: "*",
                Condition: { IpAddress: { "aws:SourceIp": "10.0.0.0/8" } },
              },
            ],
          },
        ],
      }),
    ).toThrow(/role odd: .*aws:SourceIp/);
  });

  it("refuses unsigned requests", async () => {
    const answer = await fetch(`${aws.endpoint}/${Bucket}/inbox/tenant=acme/1`);
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain("MissingAuthenticationToken");
  });
});

function onOneItem(Key: Key): Request[] {
  return [
    (to) => to.dynamodb.send(new GetItemCommand({ TableName, Key })),
    (to) => to.dynamodb.send(query(Key)),
    (to) => to.dynamodb.send(batchGet(Key)),
    (to) => to.dynamodb.send(batchWrite({ DeleteRequest: { Key } })),
  ];
}

function batchGet(...Keys: Key[]): BatchGetItemCommand {
  return new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys } } });
}

function batchWrite(...writes: WriteRequest[]): BatchWriteItemCommand {
  return new BatchWriteItemCommand({ RequestItems: { [TableName]: writes } });
}

function query(key: Key): QueryCommand {
  return new QueryCommand({
    TableName,
    KeyConditionExpression: "#p = :p",
    ExpressionAttributeNames: { "#p": "pk" },
    ExpressionAttributeValues: { ":p": key.pk },
  });
}

function bucketOf(stack: Stack): ReturnType<typeof CdkBucket.fromBucketArn> {
  return CdkBucket.fromBucketArn(stack, "B", BUCKET_ARN);
}

/** The policy that CDK synthesizes for a grant. */
function grantedBy(grant: (stack: Stack, to: IGrantable) => unknown): PolicyDocument {
  const stack = new Stack(new App({ builtinCloudFormationValidation: false }), "Grants", {
    env: { account: "000000000000", region: "us-east-1" },
  });
  const role = new Role(stack, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
  grant(stack, role);
  const policies = Template.fromStack(stack).findResources("AWS::IAM::Policy");
  const schema = z.object({ Properties: z.object({ PolicyDocument: policyDocumentSchema }) });
  return schema.parse(Object.values(policies)[0]).Properties.PolicyDocument;
}
