/** How many messages are remembered; beyond that the oldest is forgotten and counts as the root user's. */
const MESSAGE_LIMIT = 500_000;

/** Where a message came from: its sender, null for the root user, and the ARN of the queue it was sent to. */
export type Origin = { readonly senderId: string | null; readonly queueArn: string };

/**
 * Who sent each message that still lies in a queue, and to which queue. Message ids stay the same when SQS moves a
 * message to its dead-letter queue.
 */
export class MessageSenders {
  readonly #originByMessage = new Map<string, Origin>();
  readonly #messageByReceipt = new Map<string, string>();

  sent(messageId: string, origin: Origin): void {
    keepNewest(this.#originByMessage);
    this.#originByMessage.set(messageId, origin);
  }

  /** The origin of a message that is being handed out under `receiptHandle`; undefined for one that was forgotten. */
  received(messageId: string, receiptHandle: string): Origin | undefined {
    const origin = this.#originByMessage.get(messageId);
    if (origin !== undefined) {
      keepNewest(this.#messageByReceipt);
      this.#messageByReceipt.set(receiptHandle, messageId);
    }
    return origin;
  }

  deleted(receiptHandle: string): void {
    const messageId = this.#messageByReceipt.get(receiptHandle);
    if (messageId === undefined) return;
    this.#messageByReceipt.delete(receiptHandle);
    this.#originByMessage.delete(messageId);
  }

  /** How many messages are remembered now. */
  get size(): number {
    return this.#originByMessage.size;
  }
}

function keepNewest(map: Map<string, unknown>): void {
  if (map.size < MESSAGE_LIMIT) return;
  const oldest = map.keys().next();
  if (oldest.done !== true) map.delete(oldest.value);
}
