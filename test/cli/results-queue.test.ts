import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SetQueueAttributesCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ensureResultsQueue } from "../../cli/results-queue.ts";
import { type QueuesAndBuckets, startQueuesAndBuckets } from "../contracts/emulators.ts";

let aws: QueuesAndBuckets;
let sqs: SQSClient;

beforeAll(async () => {
  aws = await startQueuesAndBuckets();
  sqs = aws.sqs();
});
afterAll(async () => await aws.stop());

async function attributesOf(queueUrl: string) {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ["All"] }),
  );
  return Attributes;
}

/** The emulator forgets the attribute, so it is the request that is looked at. */
test("asks for encryption when it makes a queue", async () => {
  const asked: unknown[] = [];
  const recording = aws.sqs();
  recording.middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        if (commandName === "CreateQueueCommand") asked.push(args.input);
        return next(args);
      },
    { step: "initialize" },
  );
  const url = await ensureResultsQueue(recording, "results-new");
  expect(asked).toMatchObject([{ QueueName: "results-new", Attributes: { SqsManagedSseEnabled: "true" } }]);
  expect(await ensureResultsQueue(recording, "results-new")).toBe(url);
  expect(asked).toHaveLength(1);
});

test("finishes a queue that was made and left without a policy, and keeps what was set on it", async () => {
  const { QueueUrl: url = "" } = await sqs.send(
    new CreateQueueCommand({ QueueName: "results-half", Attributes: { VisibilityTimeout: "77" } }),
  );
  expect(await ensureResultsQueue(sqs, "results-half")).toBe(url);
  const attributes = await attributesOf(url);
  expect(attributes?.VisibilityTimeout).toBe("77");
  expect(attributes?.Policy).toContain("aws:SecureTransport");
});

test("leaves the policy that an operator gave a queue", async () => {
  const url = await ensureResultsQueue(sqs, "results-own");
  const policy = JSON.stringify({ Version: "2012-10-17", Statement: [] });
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { Policy: policy } }));
  await ensureResultsQueue(sqs, "results-own");
  expect((await attributesOf(url))?.Policy).toBe(policy);
});
