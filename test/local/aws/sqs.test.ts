import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MessageSenders } from "../../../local/aws/message-senders.ts";
import { startLocalAws } from "../../../local/aws/local-aws.ts";
import type { LocalAws } from "../../../local/aws/local-aws.ts";
import { allow, clientsOf, roleClients } from "./clients.ts";
import type { Clients } from "./clients.ts";

describe("SQS", () => {
  let aws: LocalAws;
  let root: Clients;

  beforeAll(async () => {
    aws = await startLocalAws();
    root = clientsOf(aws);
  });
  afterAll(async () => {
    root.destroy();
    await aws.close();
  });

  const createQueue = async (name: string, attributes = {}): Promise<string> => {
    const { QueueUrl } = await root.sqs.send(
      new CreateQueueCommand({ QueueName: name, Attributes: attributes }),
    );
    return QueueUrl ?? "";
  };

  it("gives queue URLs under its own endpoint, which any client may use as they are", async () => {
    const created = await createQueue("jobs");
    expect(created).toBe(`${aws.endpoint}/${aws.accountId}/jobs`);
    const found = await root.sqs.send(new GetQueueUrlCommand({ QueueName: "jobs" }));
    expect(found.QueueUrl).toBe(created);
    const listed = await root.sqs.send(new ListQueuesCommand({ QueueNamePrefix: "jobs" }));
    expect(listed.QueueUrls).toEqual([created]);
  });

  it.each([true, false])("moves messages with useQueueUrlAsEndpoint %s", async (useQueueUrlAsEndpoint) => {
    const QueueUrl = await createQueue(`moves-${useQueueUrlAsEndpoint}`);
    const client = new SQSClient({
      endpoint: aws.endpoint,
      region: aws.region,
      credentials: { accessKeyId: "a", secretAccessKey: "b" },
      useQueueUrlAsEndpoint,
    });
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: "häh? \u{1F600}" }));
    const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 1 }));
    expect(Messages.map((message) => message.Body)).toEqual(["häh? \u{1F600}"]);
    await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: Messages[0]?.ReceiptHandle }));
    const { Attributes } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }),
    );
    expect(Attributes).toMatchObject({
      QueueArn: `arn:aws:sqs:us-east-1:${aws.accountId}:${QueueUrl.split("/").at(-1)}`,
      ApproximateNumberOfMessages: "0",
      ApproximateNumberOfMessagesNotVisible: "0",
    });
    client.destroy();
  });

  it("takes a queue URL by its name, whatever host it was written with", async () => {
    await createQueue("by-name");
    const QueueUrl = "https://sqs.us-east-1.amazonaws.com/123456789012/by-name";
    const sqs = new SQSClient({
      endpoint: aws.endpoint,
      region: "eu-west-1",
      credentials: { accessKeyId: "a", secretAccessKey: "b" },
      useQueueUrlAsEndpoint: false,
    });
    await expect(sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "x" }))).resolves.toHaveProperty(
      "MessageId",
    );
    sqs.destroy();
  });

  it("answers a missing queue with the error of SQS", async () => {
    const QueueUrl = `${aws.endpoint}/${aws.accountId}/none`;
    await expect(root.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "x" }))).rejects.toMatchObject(
      {
        name: "QueueDoesNotExist",
      },
    );
  });

  it("names each message's sender, through batches and into the dead-letter queue", async () => {
    const deadUrl = await createQueue("sender-dead");
    const QueueUrl = await createQueue("sender", {
      VisibilityTimeout: "0",
      RedrivePolicy: JSON.stringify({
        deadLetterTargetArn: `arn:aws:sqs:us-east-1:${aws.accountId}:sender-dead`,
        maxReceiveCount: 1,
      }),
    });
    const role = aws.registerPrincipal({
      roleName: "admit-jobs",
      policies: [allow("sqs:SendMessage", `arn:aws:sqs:us-east-1:${aws.accountId}:sender`)],
    });
    const sender = clientsOf(aws, role);
    await root.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "root" }));
    await sender.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "role" }));
    await sender.sqs.send(
      new SendMessageBatchCommand({ QueueUrl, Entries: [{ Id: "0", MessageBody: "role in a batch" }] }),
    );
    sender.destroy();
    const receive = async (url: string): Promise<Record<string, string | undefined>> => {
      const { Messages = [] } = await root.sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: url,
          MaxNumberOfMessages: 10,
          MessageSystemAttributeNames: ["SenderId", "ApproximateReceiveCount"],
        }),
      );
      return Object.fromEntries(Messages.map(({ Body, Attributes }) => [Body, Attributes?.SenderId]));
    };
    const expected = {
      root: aws.accountId,
      role: `${role.roleId}:admit-jobs`,
      "role in a batch": `${role.roleId}:admit-jobs`,
    };
    expect(role.roleId).toMatch(/^AROA[A-Z2-7]{17}$/);
    expect(await receive(QueueUrl)).toEqual(expected);
    expect(await receive(QueueUrl)).toEqual({});
    expect(await receive(deadUrl)).toEqual(expected);
  });

  it("names the queue that a dead letter was moved from, and none for one that was sent there", async () => {
    const deadUrl = await createQueue("source-dead");
    const QueueUrl = await createQueue("source", {
      VisibilityTimeout: "0",
      RedrivePolicy: JSON.stringify({
        deadLetterTargetArn: `arn:aws:sqs:us-east-1:${aws.accountId}:source-dead`,
        maxReceiveCount: 1,
      }),
    });
    await root.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "moved" }));
    await root.sqs.send(new SendMessageCommand({ QueueUrl: deadUrl, MessageBody: "sent" }));
    const receive = (url: string) =>
      root.sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: url,
          MaxNumberOfMessages: 10,
          MessageSystemAttributeNames: ["DeadLetterQueueSourceArn"],
        }),
      );
    expect((await receive(QueueUrl)).Messages?.[0]?.Attributes).toBeUndefined();
    await receive(QueueUrl);
    const { Messages = [] } = await receive(deadUrl);
    const sources = Messages.map(({ Body, Attributes }) => [Body, Attributes?.DeadLetterQueueSourceArn]);
    expect(Object.fromEntries(sources)).toEqual({
      moved: `arn:aws:sqs:us-east-1:${aws.accountId}:source`,
      sent: undefined,
    });
  });

  it("does not answer SenderId unasked", async () => {
    const QueueUrl = await createQueue("unasked");
    const sender = roleClients(aws, "unasked", allow("sqs:*", "*"));
    await sender.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "x" }));
    const { Messages = [] } = await sender.sqs.send(new ReceiveMessageCommand({ QueueUrl }));
    expect(Messages[0]?.Attributes).toBeUndefined();
    await sender.sqs.send(
      new DeleteMessageBatchCommand({
        QueueUrl,
        Entries: [{ Id: "0", ReceiptHandle: Messages[0]?.ReceiptHandle }],
      }),
    );
    sender.destroy();
  });

  it("ends a long poll when a message comes", async () => {
    const QueueUrl = await createQueue("polled");
    const poll = new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 });
    const polled = root.sqs.send(poll);
    await root.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "x" }));
    expect((await polled).Messages).toHaveLength(1);
  });
});

describe("MessageSenders", () => {
  it("forgets a message when it is deleted", () => {
    const senders = new MessageSenders();
    const origin = { senderId: "AROA:role", queueArn: "arn:aws:sqs:::q" };
    senders.sent("m", origin);
    expect(senders.received("m", "r1")).toEqual(origin);
    expect(senders.received("other", "r2")).toBeUndefined();
    senders.deleted("r2");
    expect(senders.size).toBe(1);
    senders.deleted("r1");
    expect(senders.size).toBe(0);
    expect(senders.received("m", "r3")).toBeUndefined();
  });
});
