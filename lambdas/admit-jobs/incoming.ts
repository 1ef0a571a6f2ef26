import { TIERS } from "../domain/vocabulary.ts";
import type { QueueRecord } from "../runtime/queue-consumer.ts";
import type { IncomingMessage } from "./open-message.ts";

/** A job queue's record as admission takes it. The queue's name ends in its tier. */
export function incomingMessage(record: QueueRecord): IncomingMessage {
  return {
    messageId: record.messageId,
    body: record.body,
    senderId: record.attributes.SenderId ?? null,
    sentAt: record.attributes.SentTimestamp,
    queue: TIERS.find((tier) => record.eventSourceARN.endsWith(`-${tier}`)) ?? "normal",
  };
}
