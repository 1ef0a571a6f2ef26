/** How many messages are remembered; beyond that the oldest is forgotten and counts as the root user's. */
const MESSAGE_LIMIT = 500_000;

/**
 * Who sent each message that still lies in a queue, for the roles: what is not here was sent by the root user.
 * Message ids stay the same when SQS moves a message to its dead-letter queue.
 */
export class MessageSenders {
  readonly #senderByMessage = new Map<string, string>();
  readonly #messageByReceipt = new Map<string, string>();

  sent(messageId: string, senderId: string): void {
    keepNewest(this.#senderByMessage);
    this.#senderByMessage.set(messageId, senderId);
  }

  /** The sender of a message that is being handed out under `receiptHandle`; undefined for the root user. */
  received(messageId: string, receiptHandle: string): string | undefined {
    const sender = this.#senderByMessage.get(messageId);
    if (sender !== undefined) {
      keepNewest(this.#messageByReceipt);
      this.#messageByReceipt.set(receiptHandle, messageId);
    }
    return sender;
  }

  deleted(receiptHandle: string): void {
    const messageId = this.#messageByReceipt.get(receiptHandle);
    if (messageId === undefined) return;
    this.#messageByReceipt.delete(receiptHandle);
    this.#senderByMessage.delete(messageId);
  }

  /** How many messages are remembered now. */
  get size(): number {
    return this.#senderByMessage.size;
  }
}

function keepNewest(map: Map<string, string>): void {
  if (map.size < MESSAGE_LIMIT) return;
  const oldest = map.keys().next();
  if (oldest.done !== true) map.delete(oldest.value);
}
