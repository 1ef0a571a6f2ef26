import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";

/** Seconds of one long poll, and messages in one: SQS's limits. */
const LONGEST_POLL = 20;
const MESSAGES_PER_CALL = 10;

export type QueueReaderOptions = {
  readonly sqs: SQSClient;
  /** The tenant's own results queue. */
  readonly queueUrl: string;
  /** Seconds for which a message is hidden from other readers; the queue's own setting by default. */
  readonly visibilityTimeout?: number;
  /** Milliseconds without a message after which reading ends; without it, it goes on until `signal`. */
  readonly maxWait?: number;
  /** Ends the reading. */
  readonly signal?: AbortSignal;
};

export type QueueMessage = {
  readonly messageId: string;
  readonly body: string;
  /** Deletes the message from the queue. */
  readonly remove: () => Promise<void>;
};

/**
 * The messages of a queue as they come. Messages that were received and not yet given out when the caller leaves go back
 * to the queue at once.
 */
export async function* readQueue(options: QueueReaderOptions): AsyncGenerator<QueueMessage, void, undefined> {
  const { sqs, queueUrl, maxWait = Infinity, signal } = options;
  let idleSince = Date.now();
  while (!isAborted(signal)) {
    const messages = await receive(options, idleSince + maxWait - Date.now());
    if (messages.length === 0) {
      if (Date.now() - idleSince >= maxWait) return;
      continue;
    }
    try {
      while (!isAborted(signal)) {
        const message = messages.shift();
        if (message === undefined) break;
        yield toQueueMessage(message, sqs, queueUrl);
      }
    } finally {
      await giveBack(sqs, queueUrl, messages);
    }
    idleSince = Date.now();
  }
}

/** Asked anew each time: the signal changes while the caller works. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted ?? false;
}

function toQueueMessage(message: Message, sqs: SQSClient, queueUrl: string): QueueMessage {
  const { MessageId: messageId = "", Body: body = "", ReceiptHandle: receipt } = message;
  const remove = async () => {
    await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: receipt }));
  };
  return { messageId, body, remove };
}

async function receive(options: QueueReaderOptions, waitAtMost: number): Promise<Message[]> {
  const { sqs, queueUrl, visibilityTimeout, signal } = options;
  const command = new ReceiveMessageCommand({
    QueueUrl: queueUrl,
    MaxNumberOfMessages: MESSAGES_PER_CALL,
    WaitTimeSeconds: Math.min(LONGEST_POLL, Math.max(0, Math.ceil(waitAtMost / 1000))),
    VisibilityTimeout: visibilityTimeout,
  });
  try {
    const { Messages: messages = [] } = await sqs.send(command, { abortSignal: signal });
    return messages;
  } catch (error) {
    if (isAborted(signal)) return [];
    throw error;
  }
}

/** Makes messages visible again. A failure only delays them until their timeout. */
async function giveBack(sqs: SQSClient, queueUrl: string, messages: readonly Message[]): Promise<void> {
  if (messages.length === 0) return;
  const entries = messages.map(({ ReceiptHandle }, place) => ({
    Id: String(place),
    ReceiptHandle,
    VisibilityTimeout: 0,
  }));
  await sqs
    .send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: queueUrl, Entries: entries }))
    .catch(() => undefined);
}
