import { CreateQueueCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { expect, onTestFinished, test } from "vitest";
import { ResultReader } from "../../../local/demo/result-reader.ts";
import { startLocalAws } from "../../../local/aws/local-aws.ts";

const RESULT = {
  tenantId: "acme",
  jobId: "job-1",
  idempotencyKey: "call-1",
  status: "succeeded",
  taskType: "email_draft",
  lane: "sync",
  costPicoUsd: "5",
};

test("keeps each job's first result, and apart what contradicts it or belongs to somebody else", async () => {
  const aws = await startLocalAws();
  onTestFinished(() => aws.close());
  const { endpoint, region } = aws;
  const sqs = new SQSClient({ endpoint, region, credentials: { accessKeyId: "a", secretAccessKey: "a" } });
  onTestFinished(() => sqs.destroy());
  const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName: "results" }));
  const other = { ...RESULT, costPicoUsd: "6" };
  const stray = { ...RESULT, tenantId: "globex" };
  for (const message of [RESULT, { results: [RESULT, other] }, stray])
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(message) }));

  const reader = new ResultReader(sqs, new Map([["acme", QueueUrl]]));
  const reading = reader.run();
  await expect.poll(() => reader.deliveries).toBe(4);
  reader.stop();
  await reading;
  expect(Object.fromEntries(reader.first)).toEqual({ "acme call-1": RESULT, "globex call-1": stray });
  expect(reader.contradictions).toEqual([other]);
  expect(reader.strays).toEqual([stray]);
});
