import type { S3Client } from "@aws-sdk/client-s3";
import { resultEnvelopeSchema, type ResultMessage } from "../lambdas/domain/result-message.ts";
import { RecentKeys } from "./recent-keys.ts";
import { type QueueMessage, type QueueReaderOptions, readQueue } from "./results-queue-reader.ts";
import { schemaProblem } from "../lambdas/domain/schema-problem.ts";
import { fetchResponse } from "./stored-response.ts";

export type { ResultMessage } from "../lambdas/domain/result-message.ts";

export type ReadOptions = QueueReaderOptions & {
  /** Fetches responses that were too large for a message; without it such a result comes with `response: null`. */
  readonly s3?: S3Client;
  /** `next` (the default): a result is done with when the loop asks for the next one. `manual`: when `ack` is called. */
  readonly acknowledge?: "next" | "manual";
  /** Acknowledged results remembered to drop their repeats; 100,000 by default. */
  readonly remembered?: number;
};

/** Says that an item is done with. May be called again: a call that failed is repeated. */
type Ack = () => Promise<void>;

/**
 * What a queue holds: a result, or something that is none: a message that cannot be read, or a result whose response is
 * no longer kept. An unreadable item is never acknowledged but by its `ack`. What is not acknowledged comes again.
 */
export type ReadItem =
  | { readonly kind: "result"; readonly result: ResultMessage; readonly ack: Ack }
  | {
      readonly kind: "unreadable";
      readonly messageId: string;
      readonly body: string;
      readonly problem: string;
      readonly ack: Ack;
    };

/**
 * A tenant's results as they come, each once as far as `remembered` reaches: SQS and Offpeak deliver at least once. A
 * message leaves the queue when all its results are acknowledged, so a loop that is left early gets the result it was at
 * once more. Errors of SQS and S3 are thrown and end the reading.
 */
export async function* readResults(options: ReadOptions): AsyncGenerator<ReadItem, void, undefined> {
  const acknowledged = new RecentKeys(options.remembered ?? 100_000);
  for await (const message of readQueue(options)) {
    for (const opened of open(message, acknowledged)) {
      if (opened.kind === "result" && acknowledged.has(keyOf(opened.result))) {
        await opened.ack();
        continue;
      }
      const item = await withResponse(opened, message, options.s3);
      yield item;
      if (item.kind === "result" && options.acknowledge !== "manual") await item.ack();
      if (options.signal?.aborted) return;
    }
  }
}

/**
 * A job has one result, unless it failed and was sent again with `retry`: the later one is produced later and is no
 * repeat. A refusal has no job, but names the message that was refused.
 */
function keyOf({ jobId, messageId, producedAt }: ResultMessage): string {
  return jobId === null ? `message ${messageId} ${producedAt}` : `job ${jobId} ${producedAt}`;
}

function open(message: QueueMessage, acknowledged: RecentKeys): ReadItem[] {
  const envelope = parseEnvelope(message.body);
  if ("problem" in envelope) {
    const { messageId, body, remove } = message;
    return [{ kind: "unreadable", messageId, body, problem: envelope.problem, ack: remove }];
  }
  const nextAck = sharedAcks(envelope.results.length, message.remove);
  return envelope.results.map((result) => {
    const ack = nextAck();
    return {
      kind: "result",
      result,
      ack: async () => {
        acknowledged.add(keyOf(result));
        await ack();
      },
    };
  });
}

function parseEnvelope(
  body: string,
): { readonly results: readonly ResultMessage[] } | { readonly problem: string } {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (error) {
    return { problem: String(error) };
  }
  const parsed = resultEnvelopeSchema.safeParse(json);
  if (!parsed.success) return { problem: schemaProblem(parsed.error) };
  const results = "results" in parsed.data ? parsed.data.results : [parsed.data];
  return results.length > 0 ? { results } : { problem: "the message holds no result" };
}

/** Gives out `count` acks. Each counts once, however often it is called; when all were called, the message is removed. */
function sharedAcks(count: number, remove: Ack): () => Ack {
  let left = count;
  let removed = false;
  return () => {
    let called = false;
    return async () => {
      if (!called) left -= 1;
      called = true;
      if (left > 0 || removed) return;
      await remove();
      removed = true;
    };
  };
}

/** The item with its response, fetched when the message could not hold it. */
async function withResponse(
  item: ReadItem,
  message: QueueMessage,
  s3: S3Client | undefined,
): Promise<ReadItem> {
  if (item.kind !== "result" || s3 === undefined) return item;
  const { result, ack } = item;
  const { result: pointer } = result;
  if (result.status !== "succeeded" || result.response !== null || pointer === null) return item;
  const stored = await fetchResponse(s3, pointer);
  if (stored !== undefined) return { kind: "result", result: { ...result, ...stored }, ack };
  const problem = `the response is no longer at ${pointer.bucket}/${pointer.key}`;
  return { kind: "unreadable", messageId: message.messageId, body: JSON.stringify(result), problem, ack };
}
