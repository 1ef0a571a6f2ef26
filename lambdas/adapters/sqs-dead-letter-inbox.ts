import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { chunks } from "../domain/chunks.ts";
import { RetryableError } from "../domain/failures.ts";
import type { DeadLetterInbox, ReceivedLetter } from "../ports.ts";

/** Messages in one call: SQS's limit. */
const LETTERS_PER_CALL = 10;
/** Seconds for which a received letter is hidden: longer than one run, so that a run sees each letter once. */
const HIDDEN_FOR = 300;
/** Seconds. Without a wait SQS asks only some of its servers, and may find a queue with few letters empty. */
const WAIT_FOR = 1;

/** One dead-letter queue. */
export class SqsDeadLetterInbox implements DeadLetterInbox {
  readonly #client: SQSClient;
  readonly #queueUrl: string;

  constructor(client: SQSClient, queueUrl: string) {
    this.#client = client;
    this.#queueUrl = queueUrl;
  }

  async receive(limit = LETTERS_PER_CALL): Promise<readonly ReceivedLetter[]> {
    const { Messages: messages = [] } = await this.#client.send(
      new ReceiveMessageCommand({
        QueueUrl: this.#queueUrl,
        MaxNumberOfMessages: Math.min(limit, LETTERS_PER_CALL),
        VisibilityTimeout: HIDDEN_FOR,
        WaitTimeSeconds: WAIT_FOR,
        MessageSystemAttributeNames: ["SenderId", "SentTimestamp", "DeadLetterQueueSourceArn"],
      }),
    );
    return messages.map(letterOf);
  }

  async delete(receipts: readonly string[]): Promise<void> {
    for (const some of chunks(receipts, LETTERS_PER_CALL)) {
      const { Failed: failed = [] } = await this.#client.send(
        new DeleteMessageBatchCommand({
          QueueUrl: this.#queueUrl,
          Entries: some.map((receipt, number) => ({ Id: String(number), ReceiptHandle: receipt })),
        }),
      );
      if (failed.length > 0) throw new RetryableError(`${failed.length} dead letters could not be deleted`);
    }
  }

  async release(receipts: readonly string[]): Promise<void> {
    for (const some of chunks(receipts, LETTERS_PER_CALL)) {
      // One that is not released shows again by itself: no failure here is worth failing for.
      await this.#client.send(
        new ChangeMessageVisibilityBatchCommand({
          QueueUrl: this.#queueUrl,
          Entries: some.map((receipt, number) => ({
            Id: String(number),
            ReceiptHandle: receipt,
            VisibilityTimeout: 0,
          })),
        }),
      );
    }
  }
}

function letterOf({ Body, ReceiptHandle, MessageId, Attributes }: Message): ReceivedLetter {
  if (Body === undefined || ReceiptHandle === undefined || MessageId === undefined)
    throw new RetryableError("SQS gave a message without its body or ids");
  return {
    body: Body,
    receipt: ReceiptHandle,
    messageId: MessageId,
    senderId: Attributes?.SenderId ?? null,
    sentAt: Number(Attributes?.SentTimestamp ?? 0),
    moved: Attributes?.DeadLetterQueueSourceArn !== undefined,
  };
}
