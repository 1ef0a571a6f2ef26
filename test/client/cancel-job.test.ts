import { afterAll, beforeAll, expect, test } from "vitest";
import { cancelJob } from "../../client/cancel-job.ts";
import { type QueueUrls, queueUrlsFromOutputs } from "../../client/queue-urls.ts";
import { cancelMessageSchema } from "../../lambdas/domain/job-message.ts";
import { type QueuesAndBuckets, startQueuesAndBuckets } from "../contracts/emulators.ts";

let aws: QueuesAndBuckets;
let queueUrls: QueueUrls;

beforeAll(async () => {
  aws = await startQueuesAndBuckets();
  const [critical, high, normal, low] = await Promise.all(Array.from({ length: 4 }, () => aws.createQueue()));
  queueUrls = queueUrlsFromOutputs({
    JobsCriticalQueueUrl: critical,
    JobsHighQueueUrl: high,
    JobsNormalQueueUrl: normal,
    JobsLowQueueUrl: low,
  });
});
afterAll(async () => await aws.stop());

test("a cancel goes by the queue for jobs that can wait, or the one that is named", async () => {
  const job = { tenantId: "acme", idempotencyKey: "call-1/\uFFFE" };
  for (const [queue, options] of [
    ["normal", {}],
    ["high", { queue: "high" as const }],
  ] as const) {
    const outcome = await cancelJob(job, { sqs: aws.sqs(), queueUrls, ...options });
    const messages = await aws.drain(queueUrls[queue]);
    expect(messages.map(({ MessageId }) => ({ kind: "sent", messageId: MessageId }))).toEqual([outcome]);
    expect(cancelMessageSchema.parse(JSON.parse(messages[0]?.Body ?? ""))).toEqual({
      version: 1,
      tenantId: "acme",
      cancel: { idempotencyKey: "call-1/\uFFFE" },
    });
  }
});

test("what no message can say, and what SQS does not take, is told", async () => {
  const sqs = aws.sqs();
  const wrong = await cancelJob({ tenantId: "No Tenant", idempotencyKey: "k" }, { sqs, queueUrls });
  expect(wrong).toMatchObject({ kind: "failed", reason: expect.stringContaining("tenant id") });
  const nowhere = { ...queueUrls, normal: `${queueUrls.normal}-gone` };
  const lost = await cancelJob({ tenantId: "acme", idempotencyKey: "k" }, { sqs, queueUrls: nowhere });
  expect(lost).toMatchObject({ kind: "failed" });
});
