import type { S3Client } from "@aws-sdk/client-s3";
import type { SFNClient } from "@aws-sdk/client-sfn";
import {
  SendMessageBatchCommand,
  type SendMessageBatchCommandOutput,
  type SendMessageBatchRequestEntry,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { BatchGetCommand, BatchWriteCommand, type DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";

type Client = S3Client | SFNClient | SQSClient | DynamoDBDocumentClient;
type Send<Args, Output> = (args: Args) => Promise<Output>;
type Context = { readonly commandName?: string };

function lostAnswer(): Error {
  return Object.assign(new Error("the connection was closed"), { name: "TimeoutError" });
}

/**
 * The answer to the next call of this command is lost after the service carried it out; the SDK's own retry then sends
 * it again. Returns how often the command was sent so far.
 */
export function loseNextAnswer(client: Client, commandName: string): () => number {
  let calls = 0;
  client.middlewareStack.addRelativeTo(
    <Args, Output>(next: Send<Args, Output>, context: Context): Send<Args, Output> =>
      async (args) => {
        const isFirst = context.commandName === commandName && ++calls === 1;
        const output = await next(args);
        if (isFirst) throw lostAnswer();
        return output;
      },
    { relation: "after", toMiddleware: "retryMiddleware" },
  );
  return () => calls;
}

/** Every call of this command fails as if the service were out of reach, the first `passing` of them apart. */
export function cutOff(client: Client, commandName: string, passing = 0): void {
  let calls = 0;
  client.middlewareStack.addRelativeTo(
    <Args, Output>(next: Send<Args, Output>, context: Context): Send<Args, Output> =>
      async (args) => {
        if (context.commandName === commandName && ++calls > passing) throw lostAnswer();
        return next(args);
      },
    { relation: "before", toMiddleware: "retryMiddleware" },
  );
}

/** The commands sent from now on, in order, the SDK's own retries included. */
export function recordCommands(client: Client): string[] {
  const sent: string[] = [];
  client.middlewareStack.addRelativeTo(
    <Args, Output>(next: Send<Args, Output>, context: Context): Send<Args, Output> =>
      async (args) => {
        sent.push(context.commandName ?? "?");
        return next(args);
      },
    { relation: "after", toMiddleware: "retryMiddleware" },
  );
  return sent;
}

/** The next `times` batch calls are carried out for none of their requests: all come back as unprocessed. */
export function leaveUnprocessed(client: DynamoDBDocumentClient, times: number): void {
  const send = client.send.bind(client) as (command: object) => Promise<unknown>;
  let left = times;
  const faulty = async (command: object): Promise<unknown> => {
    const isWrite = command instanceof BatchWriteCommand;
    if ((!isWrite && !(command instanceof BatchGetCommand)) || left <= 0) return send(command);
    left -= 1;
    const { RequestItems: requests } = command.input;
    return isWrite ? { UnprocessedItems: requests } : { UnprocessedKeys: requests };
  };
  client.send = faulty as DynamoDBDocumentClient["send"];
}

export type BatchGets = {
  readonly calls: { readonly keys: number; readonly consistent: boolean }[];
  mostAtOnce: number;
};

/** What the client's BatchGetItem calls ask for from now on, and how many are under way together. */
export function watchBatchGets(client: DynamoDBDocumentClient): BatchGets {
  const send = client.send.bind(client) as (command: object) => Promise<unknown>;
  const watched: BatchGets = { calls: [], mostAtOnce: 0 };
  let underWay = 0;
  const watching = async (command: object): Promise<unknown> => {
    if (!(command instanceof BatchGetCommand)) return send(command);
    for (const { Keys: keys = [], ConsistentRead: consistent = false } of Object.values(
      command.input.RequestItems ?? {},
    )) {
      watched.calls.push({ keys: keys.length, consistent });
    }
    watched.mostAtOnce = Math.max(watched.mostAtOnce, ++underWay);
    try {
      return await send(command);
    } finally {
      underWay -= 1;
    }
  };
  client.send = watching as DynamoDBDocumentClient["send"];
  return watched;
}

/**
 * SQS does not take the messages of a batch that `isRefused` names, asked with the body and how often this message was
 * sent, from 1. Returns the bodies of every call.
 */
export function refuseEntries(
  client: SQSClient,
  isRefused: (body: string, time: number) => boolean,
): string[][] {
  const send = client.send.bind(client) as (command: object) => Promise<SendMessageBatchCommandOutput>;
  const times = new Map<string, number>();
  const calls: string[][] = [];
  const faulty = async (command: object): Promise<unknown> => {
    if (!(command instanceof SendMessageBatchCommand)) return send(command);
    const { QueueUrl: url, Entries: entries = [] } = command.input;
    calls.push(entries.map(bodyOf));
    const refused = entries.filter((entry) => {
      const time = (times.get(bodyOf(entry)) ?? 0) + 1;
      times.set(bodyOf(entry), time);
      return isRefused(bodyOf(entry), time);
    });
    const taken = entries.filter((entry) => !refused.includes(entry));
    const answer =
      taken.length > 0 && (await send(new SendMessageBatchCommand({ QueueUrl: url, Entries: taken })));
    const failed = refused.map(({ Id }) => ({
      Id,
      SenderFault: false,
      Code: "InternalError",
      Message: "try again",
    }));
    return { ...answer, Failed: failed };
  };
  client.send = faulty as SQSClient["send"];
  return calls;
}

function bodyOf(entry: SendMessageBatchRequestEntry): string {
  return entry.MessageBody ?? "";
}
