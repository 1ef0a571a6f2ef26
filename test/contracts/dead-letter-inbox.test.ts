import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sqsClient } from "../../lambdas/adapters/aws-clients.ts";
import { MemoryDeadLetterInbox } from "../../lambdas/adapters/memory-dead-letter-inbox.ts";
import { SqsDeadLetterInbox } from "../../lambdas/adapters/sqs-dead-letter-inbox.ts";
import type { DeadLetterInbox, ReceivedLetter } from "../../lambdas/ports.ts";
import { startLocalAws } from "../../local/aws/local-aws.ts";
import { type QueuesAndBuckets, startQueuesAndBuckets } from "./emulators.ts";

let emulator: QueuesAndBuckets;
beforeAll(async () => {
  emulator = await startQueuesAndBuckets();
});
afterAll(() => emulator.stop());

async function everything(inbox: DeadLetterInbox): Promise<ReceivedLetter[]> {
  const all: ReceivedLetter[] = [];
  for (let some = await inbox.receive(); some.length > 0; some = await inbox.receive()) all.push(...some);
  return all;
}

const makers: [string, (bodies: readonly string[]) => Promise<DeadLetterInbox>][] = [
  ["memory", async (bodies) => new MemoryDeadLetterInbox(bodies)],
  [
    "SQS",
    async (bodies) => {
      const url = await emulator.createQueue();
      const sqs = emulator.sqs();
      for (const body of bodies) await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body }));
      return new SqsDeadLetterInbox(sqs, url);
    },
  ],
];

const bodies = Array.from({ length: 23 }, (_, number) => `letter ${number}`);
describe.each(makers)("dead-letter inbox: %s", (_name, make) => {
  it("gives every letter once, hidden from the next look until it is released", async () => {
    const inbox = await make(bodies);
    const received = await everything(inbox);
    expect(received.map(({ body }) => body).toSorted()).toEqual(bodies.toSorted());
    await inbox.release(received.map(({ receipt }) => receipt));
    expect(await everything(inbox)).toHaveLength(bodies.length);
  });

  it("forgets what is deleted, and nothing else", async () => {
    const inbox = await make(bodies.slice(0, 5));
    const received = await everything(inbox);
    await inbox.delete(received.filter(({ body }) => body === "letter 3").map(({ receipt }) => receipt));
    await inbox.release(received.map(({ receipt }) => receipt).slice(0));
    expect((await everything(inbox)).map(({ body }) => body)).not.toContain("letter 3");
    await inbox.delete([]);
    await inbox.release([]);
  });

  it("tells who sent a letter and when, and takes no more than it is asked for", async () => {
    const inbox = await make(bodies.slice(0, 3));
    const [letter, ...more] = await inbox.receive(1);
    expect(more).toEqual([]);
    expect(letter).toMatchObject({ messageId: expect.stringMatching(/./), moved: false });
    expect(letter?.sentAt).toBeLessThanOrEqual(Date.now());
    expect(await everything(inbox)).toHaveLength(2);
  });
});

it("a letter that SQS moved says so, with the sender and the id of the message that it was", async () => {
  const aws = await startLocalAws();
  const sqs = sqsClient({
    AWS_REGION: aws.region,
    AWS_ENDPOINT_URL: aws.endpoint,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  const { QueueUrl: deadUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName: "q-dead" }));
  const RedrivePolicy = JSON.stringify({
    deadLetterTargetArn: `arn:aws:sqs:${aws.region}:${aws.accountId}:q-dead`,
    maxReceiveCount: 1,
  });
  const Attributes = { VisibilityTimeout: "0", RedrivePolicy };
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "q", Attributes }));
  const { MessageId } = await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "raw" }));
  for (let time = 0; time < 2; time += 1) await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
  const moved = await new SqsDeadLetterInbox(sqs, deadUrl).receive();
  expect(moved).toMatchObject([{ body: "raw", messageId: MessageId, senderId: aws.accountId, moved: true }]);
  sqs.destroy();
  await aws.close();
});
