import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { CreateTableCommand, DescribeTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { CreateQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { expect } from "vitest";
import { runOffpeak } from "../../cli/program.ts";
import { openStack, type Stack } from "../../cli/stack.ts";
import { s3Client } from "../../lambdas/adapters/aws-clients.ts";
import { DynamoBatches } from "../../lambdas/adapters/dynamo-batches.ts";
import { DynamoJobMap } from "../../lambdas/adapters/dynamo-job-map.ts";
import { startLocalAws } from "../../local/aws/local-aws.ts";
import { NOON } from "../contracts/sample-records.ts";

export type StackFixture = {
  /** The stack through new clients, which remember nothing of what was read before. */
  open(): Stack;
  readonly batches: DynamoBatches;
  readonly jobs: DynamoJobMap;
  readonly sqs: SQSClient;
  readonly deadLetterQueueUrl: string;
  readonly runsDeadLetterQueueUrl: string;
  readonly deliveriesDeadLetterQueueUrl: string;
  readonly runsQueueUrl: string;
  readonly deliveriesQueueUrl: string;
  readonly outputsFile: string;
  /** What was sent by e-mail, as it went out. */
  readonly mails: readonly string[];
  /** What was asked of Step Functions, each as `[action, input]`. */
  readonly stateCalls: readonly (readonly [string, unknown])[];
  /** Writes a file into the fixture's folder; returns its path. */
  file(name: string, content: unknown): Promise<string>;
  /** Runs the tool on this stack at noon of 2026-11-21. */
  offpeak(
    ...args: string[]
  ): Promise<{ readonly code: number; readonly out: string; readonly error: string }>;
  /** What the tool prints for machines; fails the test when it fails. */
  json(...args: string[]): Promise<unknown>;
  stop(): Promise<void>;
};

const TABLES = {
  JobMapTableName: "job-map",
  TenantLedgerTableName: "tenant-ledger",
  TenantsTableName: "tenants",
  BatchesTableName: "batches",
  WorkloadsTableName: "workloads",
};

const BUCKET = "gateway";
const LEAD_SCORING = "arn:aws:states:us-east-1:000000000000:stateMachine:Test-LeadScoring";

/** The tables, the bucket and a dead-letter queue of an empty stack named `Test`, and its outputs file, on this machine. */
export async function startStackFixture(): Promise<StackFixture> {
  const aws = await startLocalAws();
  const mails: string[] = [];
  aws.onMail(async ({ eml }) => void mails.push(eml.toString()));
  const stateCalls: (readonly [string, unknown])[] = [];
  aws.onStates(async (action, input) => {
    stateCalls.push([action, input]);
    return {
      executionArn: `${LEAD_SCORING.replace("stateMachine", "execution")}:one`,
      startDate: new Date(NOON),
    };
  });
  const folder = await mkdtemp(path.join(tmpdir(), "offpeak-cli-"));
  const settings = {
    region: aws.region,
    endpoint: aws.endpoint,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  const sqs = new SQSClient({ ...settings, useQueueUrlAsEndpoint: false });
  const dynamo = new DynamoDBClient(settings);
  for (const name of Object.values(TABLES)) await createTable(dynamo, name, name !== TABLES.JobMapTableName);
  const s3 = s3Client({
    AWS_REGION: settings.region,
    AWS_ENDPOINT_URL: settings.endpoint,
    credentials: settings.credentials,
  });
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  const createQueue = async (name: string): Promise<string> => {
    const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
    return QueueUrl;
  };
  const queues = {
    deadLetterQueueUrl: await createQueue("Test-jobs-normal-dead"),
    runsDeadLetterQueueUrl: await createQueue("Test-runs-dead"),
    deliveriesDeadLetterQueueUrl: await createQueue("Test-deliveries-dead"),
    runsQueueUrl: await createQueue("Test-runs"),
    deliveriesQueueUrl: await createQueue("Test-deliveries"),
  };
  const deadLetterQueueUrls = [
    queues.deadLetterQueueUrl,
    queues.runsDeadLetterQueueUrl,
    queues.deliveriesDeadLetterQueueUrl,
  ];
  const outputs = {
    ...TABLES,
    GatewayBucketName: BUCKET,
    RunsQueueUrl: queues.runsQueueUrl,
    DeliveriesQueueUrl: queues.deliveriesQueueUrl,
    DeadLetterQueueUrls: deadLetterQueueUrls.join(","),
    LeadScoringArn: LEAD_SCORING,
    Endpoint: aws.endpoint,
    Region: aws.region,
  };
  const file = async (name: string, content: unknown) => {
    const at = path.join(folder, name);
    await writeFile(at, typeof content === "string" ? content : JSON.stringify(content));
    return at;
  };
  const outputsFile = await file("outputs.json", { Test: outputs });
  const offpeak = async (...args: string[]) => {
    const printed = { out: "", error: "" };
    const code = await runOffpeak([...args, "--outputs", outputsFile], {
      out: (text) => void (printed.out += text),
      error: (text) => void (printed.error += text),
      now: () => NOON,
    });
    return { code, ...printed };
  };
  const documents = DynamoDBDocumentClient.from(dynamo, { marshallOptions: { removeUndefinedValues: true } });
  const opened: Stack[] = [];
  return {
    open: () => {
      const stack = openStack("Test", { ...outputs, DeadLetterQueueUrls: deadLetterQueueUrls });
      opened.push(stack);
      return stack;
    },
    batches: new DynamoBatches(documents, TABLES.BatchesTableName),
    jobs: new DynamoJobMap(documents, TABLES.JobMapTableName),
    sqs,
    ...queues,
    outputsFile,
    mails,
    stateCalls,
    file,
    offpeak,
    json: async (...args) => {
      const { code, out, error } = await offpeak(...args, "--json");
      expect(error).toBe("");
      expect(code).toBe(0);
      return JSON.parse(out) as unknown;
    },
    stop: async () => {
      for (const stack of opened) stack.close();
      sqs.destroy();
      s3.destroy();
      dynamo.destroy();
      await aws.close();
      await rm(folder, { recursive: true });
    },
  };
}

async function createTable(dynamo: DynamoDBClient, name: string, sorted: boolean): Promise<void> {
  const keys = sorted ? ["pk", "sk"] : ["pk"];
  await dynamo.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: keys.map((key) => ({ AttributeName: key, AttributeType: "S" })),
      KeySchema: keys.map((key, place) => ({ AttributeName: key, KeyType: place === 0 ? "HASH" : "RANGE" })),
    }),
  );
  for (;;) {
    const { Table: table } = await dynamo.send(new DescribeTableCommand({ TableName: name }));
    if (table?.TableStatus === "ACTIVE") return;
  }
}
