import {
  ChangeMessageVisibilityBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { deadLetterSchema } from "../lambdas/domain/internal-messages.ts";
import { type Report, textTable } from "./report.ts";
import type { Stack } from "./stack.ts";

/** Seconds for which letters are hidden while a queue is read, so that each is seen once. */
const HIDDEN_FOR = 60;
const MESSAGES_PER_CALL = 10;

/** A dead letter as the operator sees it: never the request itself, which may hold anything. */
type Letter = {
  readonly queue: string;
  readonly messageId: string;
  readonly sentAt: string | null;
  /** `moved`: SQS moved the message here after too many tries, as it was. */
  readonly kind: "message" | "job" | "moved";
  readonly tenantId: string | null;
  readonly jobId: string | null;
  readonly code: string;
  readonly message: string;
};

/** `offpeak dead-letters list`: looks at up to `limit` letters of each queue and leaves them where they are. */
export async function deadLettersList(stack: Stack, limit: number): Promise<Report> {
  const letters: Letter[] = [];
  for (const queueUrl of stack.deadLetterQueueUrls) {
    const messages = await peek(stack.sqs, queueUrl, limit);
    letters.push(...messages.map((message) => letterOf(queueUrl, message)));
  }
  if (letters.length === 0) return { data: [], text: "There are no dead letters." };
  const titles = ["queue", "since", "kind", "tenant", "job", "reason"];
  const text = textTable(
    titles.map((title) => ({ title })),
    letters.map(({ queue, sentAt, kind, tenantId, jobId, code, message }) => [
      queue,
      sentAt ?? "-",
      kind,
      tenantId ?? "-",
      jobId ?? "-",
      `${code}: ${message}`,
    ]),
  );
  return { data: letters, text };
}

async function peek(sqs: SQSClient, queueUrl: string, limit: number): Promise<Message[]> {
  const seen: Message[] = [];
  try {
    while (seen.length < limit) {
      const { Messages: messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: queueUrl,
          MaxNumberOfMessages: Math.min(MESSAGES_PER_CALL, limit - seen.length),
          VisibilityTimeout: HIDDEN_FOR,
          WaitTimeSeconds: 1,
          MessageSystemAttributeNames: ["SentTimestamp"],
        }),
      );
      if (messages.length === 0) break;
      seen.push(...messages);
    }
    return seen;
  } finally {
    await showAgain(sqs, queueUrl, seen);
  }
}

async function showAgain(sqs: SQSClient, queueUrl: string, messages: readonly Message[]): Promise<void> {
  for (let start = 0; start < messages.length; start += MESSAGES_PER_CALL) {
    const entries = messages.slice(start, start + MESSAGES_PER_CALL).map(({ ReceiptHandle }, place) => ({
      Id: String(place),
      ReceiptHandle,
      VisibilityTimeout: 0,
    }));
    await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl: queueUrl, Entries: entries }));
  }
}

function letterOf(
  queueUrl: string,
  { Body: body = "", MessageId: messageId = "", Attributes }: Message,
): Letter {
  const sent = Attributes?.SentTimestamp;
  const letter = deadLetterSchema.safeParse(parse(body));
  const known = letter.success ? letter.data : undefined;
  return {
    queue: queueUrl.slice(queueUrl.lastIndexOf("/") + 1),
    messageId,
    sentAt: sent === undefined ? null : new Date(Number(sent)).toISOString(),
    kind: known?.kind ?? "moved",
    tenantId: known?.kind === "job" ? known.tenantId : null,
    jobId: known?.kind === "job" ? known.jobId : null,
    code: known?.reason.code ?? "not_handled",
    message: known?.reason.message ?? "SQS gave up on it: see the function's log for this message id",
  };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
