import { isDeepStrictEqual } from "node:util";
import {
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";

type Json = Record<string, unknown>;

/**
 * Somebody who knows only the design's interfaces: queue URLs from the outputs, JSON in, JSON out, the plain AWS SDK.
 * Imports nothing of the project.
 */
export class Stranger {
  readonly #sqs: SQSClient;
  readonly #outputs: Readonly<Record<string, string>>;
  readonly #read: Json[] = [];

  constructor(outputs: Readonly<Record<string, string>>) {
    this.#outputs = outputs;
    this.#sqs = new SQSClient({
      endpoint: outputs["Endpoint"],
      region: outputs["Region"],
      credentials: { accessKeyId: "stranger", secretAccessKey: "stranger" },
    });
  }

  close(): void {
    this.#sqs.destroy();
  }

  output(name: string): string {
    const value = this.#outputs[name];
    if (value === undefined) throw new Error(`no output ${name}`);
    return value;
  }

  /** Sends bodies in one SendMessageBatch; returns the message ids in order. */
  async send(queue: string, bodies: readonly string[]): Promise<string[]> {
    const { Successful: sent = [], Failed: failed = [] } = await this.#sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: this.output(queue),
        Entries: bodies.map((body, index) => ({ Id: String(index), MessageBody: body })),
      }),
    );
    if (failed.length > 0) throw new Error(`${failed.length} messages were not taken`);
    return sent.toSorted((a, b) => Number(a.Id) - Number(b.Id)).map(({ MessageId }) => MessageId ?? "");
  }

  /**
   * Reads a tenant's results until there are `count` of them. Drops repeats, as the design tells tenants to: results are
   * delivered at least once. With `repeats` one that was read before counts too.
   */
  async results(tenant: string, count: number, { repeats = false } = {}): Promise<Json[]> {
    const found: Json[] = [];
    while (found.length < count) {
      for (const message of await this.#receive(this.output(`ResultsQueueUrl${tenant}`))) {
        const body = JSON.parse(message.Body ?? "") as Json;
        const results = Array.isArray(body["results"]) ? (body["results"] as Json[]) : [body];
        for (const result of results) {
          const isRepeat = this.#read.some((before) => isDeepStrictEqual(before, result));
          if (!isRepeat) this.#read.push(result);
          if (!isRepeat || repeats) found.push(result);
        }
      }
    }
    return found;
  }

  /** Reads dead letters from every dead-letter queue until there are `count` of them. */
  async deadLetters(count: number): Promise<Json[]> {
    const found: Json[] = [];
    while (found.length < count) {
      for (const queueUrl of this.output("DeadLetterQueueUrls").split(",")) {
        for (const message of await this.#receive(queueUrl, 0))
          found.push(JSON.parse(message.Body ?? "") as Json);
      }
    }
    return found;
  }

  async #receive(queueUrl: string, waitSeconds = 1): Promise<Message[]> {
    const { Messages: messages = [] } = await this.#sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: waitSeconds,
      }),
    );
    for (const { ReceiptHandle } of messages) {
      await this.#sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
    }
    return messages;
  }
}

/** A job message as the design shows it. */
export function jobMessage(fields: Json = {}): Json {
  return {
    version: 1,
    tenantId: "acme",
    idempotencyKey: "call-8842/summary",
    taskType: "post_call_summary",
    vertical: "healthcare",
    agentId: "front-desk",
    request: request({}),
    metadata: { callId: "8842" },
    ...fields,
  };
}

/** A request of the design's example, with other or further body fields. */
export function request(body: Json, fields: Json = {}): Json {
  return {
    provider: "openai",
    endpoint: "/v1/chat/completions",
    body: {
      model: "gpt-5-nano",
      messages: [{ role: "user", content: "Summarise: the caller moved her appointment to Tuesday." }],
      ...body,
    },
    ...fields,
  };
}
