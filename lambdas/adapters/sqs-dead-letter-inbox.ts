import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { RetryableError } from "../domain/failures.ts";
import { chunks } from "../domain/chunks.ts";
import type { DeadLetterInbox, ReceivedLetter } from "../ports.ts";

/** Seconds for which a received letter is hidden: longer than one run, so that a run sees each letter once. */
const HIDDEN_FOR = 300;

/** One dead-letter queue, read as `retry-dead-letters` reads it. */
export class SqsDeadLetterInbox implements DeadLetterInbox {
  readonly #client: SQSClient;
  readonly #queueUrl: string;

  constructor(client: SQSClient, queueUrl: string) {
    this.#client = client;
    this.#queueUrl = queueUrl;
  }

  async receive(): Promise<readonly ReceivedLetter[]> {
    const { Messages: messages = [] } = await this.#client.send(
      new ReceiveMessageCommand({
        QueueUrl: this.#queueUrl,
        MaxNumberOfMessages: 10,
        VisibilityTimeout: HIDDEN_FOR,
      }),
    );
    return messages.flatMap(({ Body: body, ReceiptHandle: receipt }) =>
      body !== undefined && receipt !== undefined ? [{ body, receipt }] : [],
    );
  }

  async delete(receipts: readonly string[]): Promise<void> {
    if (receipts.length === 0) return;
    const { Failed: failed = [] } = await this.#client.send(
      new DeleteMessageBatchCommand({
        QueueUrl: this.#queueUrl,
        Entries: receipts.map((receipt, number) => ({ Id: String(number), ReceiptHandle: receipt })),
      }),
    );
    if (failed.length > 0) throw new RetryableError(`${failed.length} dead letters could not be deleted`);
  }

  async release(receipts: readonly string[]): Promise<void> {
    for (const some of chunks(receipts, 10)) {
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
