import type { SQSClient } from "@aws-sdk/client-sqs";
import { readResults, type ResultMessage } from "../../../client/index.ts";
import { sentKey } from "../result-reader.ts";

/** Reads the tenants' queues as their apps do, with the client that apps import. */
export class AnalysesReader {
  readonly #sqs: SQSClient;
  readonly #queues: ReadonlyMap<string, string>;
  readonly #stop = new AbortController();
  readonly first = new Map<string, ResultMessage>();
  readonly strays: ResultMessage[] = [];

  /** `queues`: each tenant's queue URL. */
  constructor(sqs: SQSClient, queues: ReadonlyMap<string, string>) {
    this.#sqs = sqs;
    this.#queues = queues;
  }

  /** Reads until `stop`. */
  async run(): Promise<void> {
    await Promise.all([...this.#queues].map(([tenantId, queueUrl]) => this.#read(tenantId, queueUrl)));
  }

  stop(): void {
    this.#stop.abort();
  }

  async #read(tenantId: string, queueUrl: string): Promise<void> {
    for await (const item of readResults({ sqs: this.#sqs, queueUrl, signal: this.#stop.signal })) {
      if (item.kind === "unreadable") throw new Error(`a message is no result: ${item.problem}`);
      const { result } = item;
      if (result.tenantId !== tenantId) this.strays.push(result);
      const key = result.jobId === null ? `${tenantId} refused ${result.messageId}` : sentKey(result);
      if (!this.first.has(key)) this.first.set(key, result);
    }
  }
}
