import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { DeleteObjectsCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { DeleteMessageCommand, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import { App, CfnOutput, Stack } from "aws-cdk-lib";
import { Bucket } from "aws-cdk-lib/aws-s3";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { ObjectEvents } from "../../../lib/workloads/object-events.ts";
import { startLocalAws } from "../../../local/aws/local-aws.ts";
import { startStack } from "../../../local/stack/local-stack.ts";
import { type Clients, clientsOf } from "../aws/clients.ts";

type Told = { readonly eventName: string; readonly key: string; readonly size?: number };

let clients: Clients;
let outputs: Readonly<Record<string, string>>;

beforeEach(async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "offpeak-events-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const app = new App({ outdir: folder, builtinCloudFormationValidation: false });
  const stack = new Stack(app, "Sample");
  const bucket = new Bucket(stack, "Bucket");
  const queue = new Queue(stack, "Told", { enforceSSL: true });
  const events = new ObjectEvents(stack, "Events", { bucket });
  events.tell(queue, "inbox/", ["ObjectCreated:*", "ObjectRemoved:*"]);
  const values = { BucketName: bucket.bucketName, QueueUrl: queue.queueUrl };
  Object.entries(values).map(([name, value]) => new CfnOutput(stack, name, { value }));
  app.synth();
  const aws = await startLocalAws();
  onTestFinished(() => aws.close());
  const running = await startStack({ assembly: folder, stackName: "Sample", aws, workFolder: folder });
  onTestFinished(() => running.stop());
  ({ outputs } = running);
  clients = clientsOf(aws);
  onTestFinished(() => clients.destroy());
});

/** The next message of the queue: a message a record, as S3 sends them. */
async function told(): Promise<Told> {
  const QueueUrl = outputs["QueueUrl"];
  const { Messages = [] } = await clients.sqs.send(
    new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 10, MaxNumberOfMessages: 1 }),
  );
  const { Body = "", ReceiptHandle } = Messages[0] ?? {};
  await clients.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  const { Records } = JSON.parse(Body) as {
    Records: [{ eventName: string; s3: { object: { key: string; size?: number } } }];
  };
  const [{ eventName, s3 }] = Records;
  return { eventName, ...s3.object };
}

const put = (Key: string, Body: string) =>
  clients.s3.send(new PutObjectCommand({ Bucket: outputs["BucketName"], Key, Body }));

test("what is stored and deleted under the prefix is told, with its key encoded as S3 does, and nothing else", async () => {
  await put("elsewhere/a", "not told");
  await put("inbox/tenant=acme/a call.json", "12345");
  expect(await told()).toEqual({
    eventName: "ObjectCreated:Put",
    key: "inbox/tenant%3Dacme/a+call.json",
    size: 5,
  });
  const Objects = [{ Key: "inbox/tenant=acme/a call.json" }, { Key: "elsewhere/a" }];
  await clients.s3.send(new DeleteObjectsCommand({ Bucket: outputs["BucketName"], Delete: { Objects } }));
  expect(await told()).toEqual({
    eventName: "ObjectRemoved:Delete",
    key: "inbox/tenant%3Dacme/a+call.json",
  });
});
