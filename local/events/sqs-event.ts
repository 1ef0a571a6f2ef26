import type { Message, MessageAttributeValue } from "@aws-sdk/client-sqs";
import { MAX_PAYLOAD_BYTES } from "../lambda/function-error.ts";

/** A message on its way to a function: what deletes it, and its record's JSON text. */
export interface Received {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly record: string;
  /** Bytes of the record. */
  readonly bytes: number;
}

/** The message as a record of Lambda's SQS event. `queueArn` has the region in it. */
export function toReceived(message: Message, queueArn: string): Received {
  const { MessageId: messageId, ReceiptHandle: receiptHandle } = message;
  if (messageId === undefined || receiptHandle === undefined)
    throw new Error("SQS gave a message without its ids");
  const record = JSON.stringify({
    messageId,
    receiptHandle,
    body: message.Body ?? "",
    attributes: message.Attributes ?? {},
    messageAttributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => [name, toAttribute(value)]),
    ),
    md5OfBody: message.MD5OfBody,
    md5OfMessageAttributes: message.MD5OfMessageAttributes,
    eventSource: "aws:sqs",
    eventSourceARN: queueArn,
    awsRegion: queueArn.split(":")[3],
  });
  return { messageId, receiptHandle, record, bytes: Buffer.byteLength(record) };
}

function toAttribute(value: MessageAttributeValue): object {
  return {
    stringValue: value.StringValue,
    binaryValue:
      value.BinaryValue === undefined ? undefined : Buffer.from(value.BinaryValue).toString("base64"),
    stringListValues: [],
    binaryListValues: [],
    dataType: value.DataType,
  };
}

/** The event's JSON text. */
export function sqsEvent(batch: readonly Received[]): string {
  return `{"Records":[${batch.map(({ record }) => record).join(",")}]}`;
}

const ENVELOPE_BYTES = Buffer.byteLength(sqsEvent([]));

/** How many messages from the start fit one event: at most `batchSize`, and within Lambda's payload limit. */
export function fittingCount(messages: readonly Received[], batchSize: number): number {
  let bytes = ENVELOPE_BYTES;
  const over = messages.findIndex((message, index) => {
    bytes += message.bytes + (index === 0 ? 0 : 1);
    return index >= batchSize || bytes > MAX_PAYLOAD_BYTES;
  });
  return over === -1 ? messages.length : over;
}
