import { setTimeout as sleep } from "node:timers/promises";
import { DeleteMessageBatchCommand, ReceiveMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { z } from "zod";
import type { SeenAnswer } from "./traffic-messages.ts";

/**
 * Milliseconds between two looks at a queue that was emptied. Each message says when its queue took it, so looking often
 * would measure nothing better, and would keep the emulator from the work that is measured.
 */
const PAUSE_MS = 250;
const FULL = 10;

const answerSchema = z.object({ idempotencyKey: z.string().nullable(), status: z.string() });
const bodySchema = z.union([
  z.object({ results: z.array(answerSchema) }).transform(({ results }) => results),
  answerSchema.transform((answer) => [answer]),
]);
const timesSchema = z.object({ SentTimestamp: z.coerce.number() });

/** Reads a tenant's own queue as the tenant does, with nothing but the AWS SDK, for as long as its thread lives. */
export async function readAnswers(
  sqs: SQSClient,
  queueUrl: string,
  see: (answers: readonly SeenAnswer[]) => void,
): Promise<never> {
  for (;;) {
    const { Messages: messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: FULL,
        MessageSystemAttributeNames: ["SentTimestamp"],
      }),
    );
    if (messages.length > 0) {
      const Entries = messages.map(({ ReceiptHandle }, number) => ({ Id: String(number), ReceiptHandle }));
      await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
      see(messages.flatMap(({ Body = "", Attributes }) => answersOf(Body, Attributes)));
    }
    if (messages.length < FULL) await sleep(PAUSE_MS);
  }
}

function answersOf(body: string, attributes: unknown): SeenAnswer[] {
  const { SentTimestamp: queuedAt } = timesSchema.parse(attributes);
  const answers = bodySchema.parse(JSON.parse(body));
  return answers.map(({ idempotencyKey, status }) => ({ key: idempotencyKey ?? "", status, queuedAt }));
}
