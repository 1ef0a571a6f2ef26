import type { SQSClient } from "@aws-sdk/client-sqs";
import type { TenantQueues } from "../ports.ts";
import { sendMessages } from "./sqs-sender.ts";

export class SqsTenantQueues implements TenantQueues {
  readonly #client: SQSClient;

  constructor(client: SQSClient) {
    this.#client = client;
  }

  async send(queueUrl: string, bodies: readonly string[]): Promise<void> {
    await sendMessages(
      this.#client,
      queueUrl,
      bodies.map((body) => ({ body })),
    );
  }
}
