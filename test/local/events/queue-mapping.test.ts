import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { expect, onTestFinished, test } from "vitest";
import { type LocalAws, startLocalAws } from "../../../local/aws/local-aws.ts";
import { QueueMapping, type QueueMappingOptions } from "../../../local/events/queue-mapping.ts";
import type { InvocationResult } from "../../../local/lambda/function-error.ts";

interface Record {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: { readonly ApproximateReceiveCount: string };
}
type Consume = (records: Record[]) => InvocationResult | Promise<InvocationResult>;

const succeeded = (response: unknown): InvocationResult => ({
  kind: "succeeded",
  payload: JSON.stringify(response),
});

/** A queue with a mapping to `consume`, and what each of its batches held. */
async function mappingOf(consume: Consume, more: Partial<QueueMappingOptions> = {}) {
  const aws: LocalAws = await startLocalAws();
  onTestFinished(() => aws.close());
  const credentials = { accessKeyId: "owner", secretAccessKey: "owner" };
  const sqs = new SQSClient({ endpoint: aws.endpoint, region: aws.region, credentials });
  onTestFinished(() => sqs.destroy());
  const Attributes = { VisibilityTimeout: "1" };
  const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName: "jobs", Attributes }));
  const batches: string[][] = [];
  const waiting: { count: number; wake: () => void }[] = [];
  const mapping = new QueueMapping({
    queueUrl: QueueUrl,
    queueArn: `arn:aws:sqs:${aws.region}:${aws.accountId}:jobs`,
    sqs,
    invoke: async (event) => {
      const { Records } = JSON.parse(event) as { Records: Record[] };
      batches.push(Records.map(({ body }) => body));
      const result = await consume(Records);
      for (const { count, wake } of waiting) if (batches.length >= count) wake();
      return result;
    },
    batchSize: 10,
    windowMs: 0,
    maximumConcurrency: 5,
    reportBatchItemFailures: true,
    log: () => undefined,
    ...more,
  });
  onTestFinished(() => mapping.stop());
  return {
    mapping,
    batches,
    send: async (bodies: string[]) => {
      const Entries = bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody }));
      await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    },
    /** Resolves once that many batches have been consumed. */
    consumed: (count: number) =>
      batches.length >= count
        ? Promise.resolve()
        : new Promise<void>((wake) => waiting.push({ count, wake })),
    left: async () => {
      const AttributeNames = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
      ] as const;
      const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...AttributeNames] });
      const { Attributes: counts = {} } = await sqs.send(command);
      return Object.values(counts).reduce((sum, count) => sum + Number(count), 0);
    },
  };
}

test("failed items come again, the rest is deleted", async () => {
  const { mapping, batches, send, consumed, left } = await mappingOf((records) =>
    succeeded({
      batchItemFailures: records
        .filter(({ body, attributes }) => body === "bad" && attributes.ApproximateReceiveCount === "1")
        .map(({ messageId }) => ({ itemIdentifier: messageId })),
    }),
  );
  await send(["good", "bad", "fine"]);
  mapping.start();
  await consumed(2);
  await mapping.stop();
  expect(batches.map((batch) => batch.toSorted())).toEqual([["bad", "fine", "good"], ["bad"]]);
  expect(await left()).toBe(0);
});

test.each<[string, InvocationResult, Partial<QueueMappingOptions>]>([
  ["a failed invocation", { kind: "failed", error: { errorType: "E", errorMessage: "" } }, {}],
  [
    "a failed invocation without partial responses",
    { kind: "failed", error: { errorType: "E", errorMessage: "" } },
    { reportBatchItemFailures: false },
  ],
  ["a malformed response", succeeded({ batchItemFailures: [{ id: "x" }] }), {}],
])("%s deletes nothing", async (_what, result, more) => {
  const { mapping, send, consumed, left } = await mappingOf(() => result, more);
  await send(["one", "two"]);
  mapping.start();
  await consumed(1);
  await mapping.stop();
  expect(await left()).toBe(2);
});

test("without ReportBatchItemFailures the response does not matter", async () => {
  const response = succeeded({ batchItemFailures: [{ itemIdentifier: "x" }] });
  const { mapping, send, consumed, left } = await mappingOf(() => response, {
    reportBatchItemFailures: false,
  });
  await send(["one", "two"]);
  mapping.start();
  await consumed(1);
  await mapping.stop();
  expect(await left()).toBe(0);
});

test("a window gathers several receives into one batch, up to its size", async () => {
  const { mapping, batches, send, consumed } = await mappingOf(() => succeeded(null), {
    batchSize: 25,
    windowMs: 20_000,
  });
  const bodies = Array.from({ length: 10 }, (_, index) => String(index));
  for (const _ of [1, 2, 3]) await send(bodies);
  mapping.start();
  await consumed(1);
  expect(batches[0]).toHaveLength(25);
  await mapping.stop();
});

test("no more batches at a time than MaximumConcurrency", async () => {
  let running = 0;
  let most = 0;
  const { mapping, send, consumed } = await mappingOf(
    async () => {
      most = Math.max(most, (running += 1));
      // Long enough for a loop without a limit to hand out the next batches.
      await new Promise((resolve) => setTimeout(resolve, 50));
      running -= 1;
      return succeeded(null);
    },
    { batchSize: 1, maximumConcurrency: 2 },
  );
  await send(Array.from({ length: 10 }, (_, index) => String(index)));
  mapping.start();
  await consumed(10);
  expect(most).toBe(2);
});

test("stop ends a long poll at once, and a message sent later stays", async () => {
  const { mapping, batches, send, left } = await mappingOf(() => succeeded(null));
  mapping.start();
  await mapping.stop();
  await send(["late"]);
  expect(batches).toEqual([]);
  expect(await left()).toBe(1);
});
