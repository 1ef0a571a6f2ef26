import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { z } from "zod";
import type { LocalAws } from "../aws/local-aws.ts";
import { BUILT_TYPES } from "./resource-types.ts";
import type { StackResources } from "./stack-resources.ts";

const queueSchema = z.object({
  VisibilityTimeout: z.number().optional(),
  DelaySeconds: z.number().optional(),
  MaximumMessageSize: z.number().optional(),
  MessageRetentionPeriod: z.number().optional(),
  ReceiveMessageWaitTimeSeconds: z.number().optional(),
  FifoQueue: z.boolean().optional(),
  ContentBasedDeduplication: z.boolean().optional(),
  RedrivePolicy: z.object({ deadLetterTargetArn: z.string(), maxReceiveCount: z.number() }).optional(),
});

const keys = z.array(z.object({ AttributeName: z.string(), KeyType: z.enum(["HASH", "RANGE"]) }));
const noIndexes = z.undefined({ error: "secondary indexes are not made here" }).optional();
// Encryption, recovery, TTL, streams, tags and replicas are left out: they change nothing that a caller could see.
const tableSchema = z.object({
  KeySchema: keys,
  AttributeDefinitions: z.array(
    z.object({ AttributeName: z.string(), AttributeType: z.enum(["S", "N", "B"]) }),
  ),
  GlobalSecondaryIndexes: noIndexes,
  LocalSecondaryIndexes: noIndexes,
});

/** The owner of the account, to whom the local AWS opens every door. */
export const OWNER = { accessKeyId: "owner", secretAccessKey: "owner" };

/** Makes the queues, tables and buckets. `visibilityTimeoutSeconds`, if given, replaces that of every queue. */
export async function createStorage(
  resources: StackResources,
  aws: LocalAws,
  visibilityTimeoutSeconds: number | undefined,
): Promise<void> {
  const config = { endpoint: aws.endpoint, region: aws.region, credentials: OWNER };
  const [sqs, dynamodb, s3] = [new SQSClient(config), new DynamoDBClient(config), new S3Client(config)];
  try {
    await createQueues(resources, sqs, visibilityTimeoutSeconds);
    await createTables(resources, dynamodb);
    for (const { name } of resources.ofType(BUILT_TYPES.bucket))
      await s3.send(new CreateBucketCommand({ Bucket: name }));
    for (const { arn } of resources.ofType(BUILT_TYPES.vectorBucket)) aws.vectors.createBucket(arn);
  } finally {
    for (const client of [sqs, dynamodb, s3]) client.destroy();
  }
}

async function createQueues(
  resources: StackResources,
  sqs: SQSClient,
  timeout: number | undefined,
): Promise<void> {
  const queues = resources.ofType(BUILT_TYPES.queue).map(({ name, properties }) => ({
    name,
    attributes: queueSchema.parse(resources.resolve(properties)),
  }));
  // A dead-letter queue has to be there before the queue that names it.
  const [targets, sources] = [
    queues.filter(({ attributes }) => attributes.RedrivePolicy === undefined),
    queues.filter(({ attributes }) => attributes.RedrivePolicy !== undefined),
  ];
  for (const { name, attributes } of [...targets, ...sources]) {
    const VisibilityTimeout = timeout ?? attributes.VisibilityTimeout;
    const Attributes = toAttributes({ ...attributes, VisibilityTimeout });
    await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes }));
  }
}

/** SQS takes all attributes as strings, structured ones as JSON. */
function toAttributes(attributes: z.infer<typeof queueSchema>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributes)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, typeof value === "object" ? JSON.stringify(value) : String(value)]),
  );
}

async function createTables(resources: StackResources, dynamodb: DynamoDBClient): Promise<void> {
  for (const { name, properties } of resources.ofType(BUILT_TYPES.table, BUILT_TYPES.globalTable)) {
    const { KeySchema, AttributeDefinitions } = tableSchema.parse(resources.resolve(properties));
    const table = {
      TableName: name,
      KeySchema,
      AttributeDefinitions,
      BillingMode: "PAY_PER_REQUEST" as const,
    };
    await dynamodb.send(new CreateTableCommand(table));
    await waitUntilTableExists(
      { client: dynamodb, maxWaitTime: 30, minDelay: 0.05, maxDelay: 1 },
      { TableName: name },
    );
  }
}
