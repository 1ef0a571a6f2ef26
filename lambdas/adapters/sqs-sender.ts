import { type BatchResultErrorEntry, SendMessageBatchCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { RetryableError } from "../domain/failures.ts";
import { backOff } from "./back-off.ts";
import { chunks } from "../domain/chunks.ts";
import { checkMessageSize, MAX_SEND_BYTES, messageBytes, type OutgoingMessage } from "./sqs-message-size.ts";

/** Messages in one SendMessageBatch: SQS's limit. */
const MESSAGES_PER_CALL = 10;
/** Sends under way at once; at most as many MiB are held twice. */
const CALLS_AT_ONCE = 4;
/** Tries for the messages of one call that SQS did not take. */
const TRIES = 5;

/**
 * Sends JSON messages, in as few calls as SQS allows. Throws RetryableError unless every message was taken: some may
 * have been, and are sent again by the caller's retry. Throws TerminalError, sending nothing, when one is too large.
 */
export async function sendMessages(
  client: SQSClient,
  queueUrl: string,
  messages: readonly OutgoingMessage[],
): Promise<void> {
  const sendable = messages.map((message) => ({ ...message, body: withoutNoncharacters(message.body) }));
  for (const message of sendable) checkMessageSize(message);
  for (const round of chunks(groups(sendable), CALLS_AT_ONCE)) {
    const sends = await Promise.allSettled(round.map((group) => sendGroup(client, queueUrl, group)));
    for (const send of sends) if (send.status === "rejected") throw send.reason;
  }
}

/** SQS refuses U+FFFE and U+FFFF, which JSON leaves as they are; inside JSON's strings an escape means the same. */
function withoutNoncharacters(json: string): string {
  return json.replaceAll("\uFFFE", "\\ufffe").replaceAll("\uFFFF", "\\uffff");
}

function groups(messages: readonly OutgoingMessage[]): OutgoingMessage[][] {
  const all: OutgoingMessage[][] = [];
  let group: OutgoingMessage[] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = messageBytes(message);
    if (group.length === MESSAGES_PER_CALL || bytes + size > MAX_SEND_BYTES) {
      all.push(group);
      group = [];
      bytes = 0;
    }
    group.push(message);
    bytes += size;
  }
  if (group.length > 0) all.push(group);
  return all;
}

async function sendGroup(
  client: SQSClient,
  queueUrl: string,
  group: readonly OutgoingMessage[],
): Promise<void> {
  let left = group;
  let refusal: BatchResultErrorEntry | undefined;
  for (let number = 1; number <= TRIES; number++) {
    if (number > 1) await backOff(number - 1);
    const answer = await client.send(
      new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: left.map(entryOf) }),
    );
    const failed = new Set(answer.Failed?.map((entry) => entry.Id));
    left = left.filter((_, index) => failed.has(String(index)));
    if (left.length === 0) return;
    refusal = answer.Failed?.[0];
  }
  throw new RetryableError(
    `SQS refused ${left.length} of ${group.length} messages: ${refusal?.Code} ${refusal?.Message}`,
  );
}

function entryOf({ body, attributes = {} }: OutgoingMessage, index: number) {
  return {
    Id: String(index),
    MessageBody: body,
    MessageAttributes: Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [name, { DataType: "String", StringValue: value }]),
    ),
  };
}
