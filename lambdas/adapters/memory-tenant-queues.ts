import type { TenantQueues } from "../ports.ts";
import { checkMessageSize } from "./sqs-message-size.ts";

export class MemoryTenantQueues implements TenantQueues {
  readonly #queues = new Map<string, string[]>();

  async send(queueUrl: string, bodies: readonly string[]): Promise<void> {
    for (const body of bodies) checkMessageSize({ body });
    this.#queues.set(queueUrl, [...(this.#queues.get(queueUrl) ?? []), ...bodies]);
  }

  /** Takes out the bodies sent to a queue since the last time, in order. */
  take(queueUrl: string): string[] {
    return this.#queues.get(queueUrl)?.splice(0) ?? [];
  }
}
