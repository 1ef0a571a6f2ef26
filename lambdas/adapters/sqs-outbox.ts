import type { SQSClient } from "@aws-sdk/client-sqs";
import type { Outbox } from "../ports.ts";
import { sendMessages } from "./sqs-sender.ts";

/** One of our own queues: each message is a JSON body. */
export class SqsOutbox<Message> implements Outbox<Message> {
  readonly #client: SQSClient;
  readonly #queueUrl: string;

  constructor(client: SQSClient, queueUrl: string) {
    this.#client = client;
    this.#queueUrl = queueUrl;
  }

  async send(messages: readonly Message[]): Promise<void> {
    const bodies = messages.map((message) => ({ body: JSON.stringify(message) }));
    await sendMessages(this.#client, this.#queueUrl, bodies);
  }
}
