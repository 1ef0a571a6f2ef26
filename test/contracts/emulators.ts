import { once } from "node:events";
import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import type { Server } from "node:http";
import { CreateBucketCommand, type S3Client } from "@aws-sdk/client-s3";
import { CreateTableCommand, DescribeTableCommand } from "@aws-sdk/client-dynamodb";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import type { S3VectorsClient } from "@aws-sdk/client-s3vectors";
import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import dynalite from "dynalite";
import { buildApp } from "fauxqs";
import { documentClient, s3Client, s3VectorsClient, sqsClient } from "../../lambdas/adapters/aws-clients.ts";
import { startLocalAws } from "../../local/aws/local-aws.ts";

// The emulators take any credentials; without some, the SDK would look for them outside this machine.
process.env["AWS_ACCESS_KEY_ID"] ??= "local";
process.env["AWS_SECRET_ACCESS_KEY"] ??= "local";

/** What a Lambda function's environment says of where AWS is, for a server on this machine. */
export function environmentAt(server: Server) {
  const { port } = server.address() as AddressInfo;
  return { AWS_REGION: "us-east-1", AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` };
}

export type Tables = {
  /** A client of its own: middleware added to it is felt by nobody else. */
  client(): DynamoDBDocumentClient;
  /** Creates an empty table keyed by these attributes; returns its name. */
  create(...key: string[]): Promise<string>;
  stop(): Promise<void>;
};

/** dynalite, in memory. */
export async function startTables(): Promise<Tables> {
  const server = dynalite({ createTableMs: 0 });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const clients: DynamoDBDocumentClient[] = [];
  const client = () => {
    const made = documentClient(environmentAt(server));
    clients.push(made);
    return made;
  };
  const admin = client();
  return {
    client,
    create: async (...key) => {
      const name = `t-${randomUUID()}`;
      await admin.send(
        new CreateTableCommand({
          TableName: name,
          BillingMode: "PAY_PER_REQUEST",
          AttributeDefinitions: key.map((attribute) => ({ AttributeName: attribute, AttributeType: "S" })),
          KeySchema: key.map((attribute, index) => ({
            AttributeName: attribute,
            KeyType: index === 0 ? "HASH" : "RANGE",
          })),
        }),
      );
      for (;;) {
        const { Table: table } = await admin.send(new DescribeTableCommand({ TableName: name }));
        if (table?.TableStatus === "ACTIVE") return name;
      }
    },
    stop: async () => {
      for (const made of clients) made.destroy();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}

export type QueuesAndBuckets = {
  sqs(): SQSClient;
  s3(): S3Client;
  createQueue(): Promise<string>;
  createBucket(): Promise<string>;
  /** Every message now on the queue, taken off it. */
  drain(queueUrl: string): Promise<Message[]>;
  stop(): Promise<void>;
};

export type Vectors = {
  readonly client: S3VectorsClient;
  /** Creates an empty vector bucket; returns its ARN. */
  createBucket(): string;
  /** Searches so far. */
  queries(): number;
  stop(): Promise<void>;
};

/** The stand-in for S3 Vectors, in memory. */
export async function startVectors(): Promise<Vectors> {
  const aws = await startLocalAws();
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const client = s3VectorsClient({ AWS_REGION: aws.region, AWS_ENDPOINT_URL: aws.endpoint, credentials });
  return {
    client,
    createBucket: () => {
      const arn = `arn:aws:s3vectors:${aws.region}:${aws.accountId}:bucket/v-${randomUUID()}`;
      aws.vectors.createBucket(arn);
      return arn;
    },
    queries: () => aws.counts.get("s3vectors:QueryVectors") ?? 0,
    stop: async () => {
      client.destroy();
      await aws.close();
    },
  };
}

/** fauxqs: SQS and S3, in memory. */
export async function startQueuesAndBuckets(): Promise<QueuesAndBuckets> {
  const app = buildApp({ logger: false });
  await app.listen({ port: 0, host: "127.0.0.1" });
  const environment = environmentAt(app.server);
  const clients: { destroy(): void }[] = [];
  const sqs = () => keep(clients, sqsClient(environment));
  const s3 = () => keep(clients, s3Client(environment));
  const queues = sqs();
  const buckets = s3();
  return {
    sqs,
    s3,
    createQueue: async () => {
      const { QueueUrl: url } = await queues.send(new CreateQueueCommand({ QueueName: `q-${randomUUID()}` }));
      if (url === undefined) throw new Error("no queue was created");
      return url;
    },
    createBucket: async () => {
      const name = `b-${randomUUID()}`;
      await buckets.send(new CreateBucketCommand({ Bucket: name }));
      return name;
    },
    drain: async (queueUrl) => {
      const all: Message[] = [];
      for (;;) {
        const { Messages: messages = [] } = await queues.send(
          new ReceiveMessageCommand({
            QueueUrl: queueUrl,
            MaxNumberOfMessages: 10,
            MessageAttributeNames: ["All"],
          }),
        );
        if (messages.length === 0) return all;
        for (const message of messages) {
          await queues.send(
            new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: message.ReceiptHandle }),
          );
        }
        all.push(...messages);
      }
    },
    stop: async () => {
      for (const made of clients) made.destroy();
      await app.close();
    },
  };
}

function keep<Client extends { destroy(): void }>(clients: { destroy(): void }[], client: Client): Client {
  clients.push(client);
  return client;
}
