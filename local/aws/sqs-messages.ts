import { z } from "zod";
import { bodyDigest, originalBody, storedBody } from "./message-body.ts";
import type { MessageSenders } from "./message-senders.ts";
import { parseRequest } from "./service.ts";
import type { JsonInput } from "./service.ts";

const sendSchema = z.looseObject({ MessageBody: z.string().optional() });
const sendBatchSchema = z.looseObject({
  Entries: z.array(z.looseObject({ Id: z.string(), MessageBody: z.string().optional() })).optional(),
});
const sentSchema = z.looseObject({
  MessageId: z.string().optional(),
  MD5OfMessageBody: z.string().optional(),
  Successful: z
    .array(z.looseObject({ Id: z.string(), MessageId: z.string(), MD5OfMessageBody: z.string() }))
    .optional(),
});
const receivedSchema = z.looseObject({
  Messages: z
    .array(
      z.looseObject({
        MessageId: z.string(),
        ReceiptHandle: z.string(),
        Body: z.string(),
        MD5OfBody: z.string(),
        Attributes: z.record(z.string(), z.string()).optional(),
      }),
    )
    .optional(),
});
const SOURCE_ARN = "DeadLetterQueueSourceArn";
const receiveSchema = z.looseObject({
  AttributeNames: z.array(z.string()).default([]),
  MessageSystemAttributeNames: z.array(z.string()).default([]),
});
const deleteSchema = z.object({
  ReceiptHandle: z.string().optional(),
  Entries: z.array(z.object({ ReceiptHandle: z.string().optional() })).default([]),
});

/** The input of SendMessage or SendMessageBatch with bodies that the emulator takes. */
export function storedMessages(input: JsonInput): JsonInput {
  const { MessageBody } = parseRequest(sendSchema, input);
  const { Entries } = parseRequest(sendBatchSchema, input);
  return {
    ...input,
    ...(MessageBody === undefined ? {} : { MessageBody: storedBody(MessageBody) }),
    ...(Entries === undefined
      ? {}
      : {
          Entries: Entries.map((entry) =>
            entry.MessageBody === undefined
              ? entry
              : { ...entry, MessageBody: storedBody(entry.MessageBody) },
          ),
        }),
  };
}

/** The answer to SendMessage or SendMessageBatch, with the digests of the bodies as sent. Remembers the sender. */
export function sentMessages(text: string, input: JsonInput, remember: (messageId: string) => void): string {
  const answer = sentSchema.parse(JSON.parse(text));
  if (answer.MessageId !== undefined) {
    remember(answer.MessageId);
    answer.MD5OfMessageBody = bodyDigest(parseRequest(sendSchema, input).MessageBody ?? "");
  }
  const { Entries = [] } = parseRequest(sendBatchSchema, input);
  const bodies = new Map(Entries.map((entry) => [entry.Id, entry.MessageBody ?? ""]));
  for (const sent of answer.Successful ?? []) {
    remember(sent.MessageId);
    sent.MD5OfMessageBody = bodyDigest(bodies.get(sent.Id) ?? "");
  }
  return JSON.stringify(answer);
}

/**
 * The answer to ReceiveMessage with bodies as they were sent and, where asked for, what the emulator cannot know: the sender,
 * and for a message that was moved to this queue the one it was sent to.
 */
export function receivedMessages(
  text: string,
  input: JsonInput,
  receivedFrom: string,
  senders: MessageSenders,
): string {
  const answer = receivedSchema.parse(JSON.parse(text));
  const asked = parseRequest(receiveSchema, input);
  const names = new Set([...asked.AttributeNames, ...asked.MessageSystemAttributeNames]);
  for (const message of answer.Messages ?? []) {
    const origin = senders.received(message.MessageId, message.ReceiptHandle);
    if (origin?.senderId && message.Attributes?.["SenderId"] !== undefined)
      message.Attributes["SenderId"] = origin.senderId;
    if (origin && origin.queueArn !== receivedFrom && (names.has("All") || names.has(SOURCE_ARN)))
      message.Attributes = { ...message.Attributes, [SOURCE_ARN]: origin.queueArn };
    const body = originalBody(message.Body);
    if (body === message.Body) continue;
    message.Body = body;
    message.MD5OfBody = bodyDigest(body);
  }
  return JSON.stringify(answer);
}

/** The receipt handles that DeleteMessage or DeleteMessageBatch names. */
export function deletedReceipts(input: JsonInput): string[] {
  const { ReceiptHandle, Entries } = parseRequest(deleteSchema, input);
  return [ReceiptHandle, ...Entries.map((entry) => entry.ReceiptHandle)].filter(
    (handle) => handle !== undefined,
  );
}
