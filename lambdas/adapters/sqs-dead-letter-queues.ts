import type { SQSClient } from "@aws-sdk/client-sqs";
import type { DeadLetter } from "../domain/internal-messages.ts";
import type { Tier } from "../domain/vocabulary.ts";
import type { DeadLetterQueues } from "../ports.ts";
import { sendMessages } from "./sqs-sender.ts";

/** The dead-letter queues by tier. The attributes `reason` and `kind` let a person sort letters without opening them. */
export class SqsDeadLetterQueues implements DeadLetterQueues {
  readonly #client: SQSClient;
  readonly #queueUrls: Readonly<Record<Tier, string>>;

  constructor(client: SQSClient, queueUrls: Readonly<Record<Tier, string>>) {
    this.#client = client;
    this.#queueUrls = queueUrls;
  }

  async send(tier: Tier, letter: DeadLetter): Promise<void> {
    await sendMessages(this.#client, this.#queueUrls[tier], [
      { body: JSON.stringify(letter), attributes: { reason: letter.reason.code, kind: letter.kind } },
    ]);
  }
}
