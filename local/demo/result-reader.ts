import { isDeepStrictEqual } from "node:util";
import { DeleteMessageBatchCommand, ReceiveMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { z } from "zod";

/** As much of a result message as this reader needs; it shares no code with what wrote the message. */
const resultSchema = z.object({
  tenantId: z.string(),
  jobId: z.string().nullable(),
  idempotencyKey: z.string().nullable(),
  status: z.string(),
  taskType: z.string().nullable(),
  lane: z.string().nullable(),
  costPicoUsd: z.string(),
});
export type SeenResult = z.infer<typeof resultSchema>;

const messageSchema = z.union([
  z.object({ results: z.array(resultSchema) }).transform(({ results }) => results),
  resultSchema.transform((result) => [result]),
]);

/** The key under which a result answers a job that was sent. */
export function sentKey(job: { readonly tenantId: string; readonly idempotencyKey: string | null }): string {
  return `${job.tenantId} ${job.idempotencyKey ?? ""}`;
}

/**
 * Reads the tenants' own queues as the tenants would, with nothing but the AWS SDK: the demo's independent witness of
 * what was delivered. A result on another tenant's queue is kept as `strays`.
 */
export class ResultReader {
  readonly #client: SQSClient;
  readonly #queues: ReadonlyMap<string, string>;
  readonly #stop = new AbortController();
  readonly first = new Map<string, SeenResult>();
  readonly strays: SeenResult[] = [];
  /** Results that say of a job something else than its first result said. */
  readonly contradictions: SeenResult[] = [];
  deliveries = 0;

  /** `queues`: each tenant's queue URL. */
  constructor(client: SQSClient, queues: ReadonlyMap<string, string>) {
    this.#client = client;
    this.#queues = queues;
  }

  /** Reads until `stop`. */
  async run(): Promise<void> {
    await Promise.all([...this.#queues].map(([tenantId, queueUrl]) => this.#readQueue(tenantId, queueUrl)));
  }

  stop(): void {
    this.#stop.abort();
  }

  async #readQueue(tenantId: string, queueUrl: string): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#readOnce(tenantId, queueUrl, signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }

  async #readOnce(tenantId: string, queueUrl: string, signal: AbortSignal): Promise<void> {
    const receive = new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: 10,
      WaitTimeSeconds: 5,
    });
    const { Messages: messages = [] } = await this.#client.send(receive, { abortSignal: signal });
    if (messages.length === 0) return;
    for (const { Body: body = "" } of messages) {
      for (const result of messageSchema.parse(JSON.parse(body))) this.#see(tenantId, result);
    }
    const entries = messages.map(({ ReceiptHandle }, number) => ({ Id: String(number), ReceiptHandle }));
    await this.#client.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries: entries }));
  }

  #see(tenantId: string, result: SeenResult): void {
    this.deliveries += 1;
    if (result.tenantId !== tenantId) this.strays.push(result);
    const key = sentKey(result);
    const first = this.first.get(key);
    if (first === undefined) this.first.set(key, result);
    else if (!isDeepStrictEqual(first, result)) this.contradictions.push(result);
  }
}
