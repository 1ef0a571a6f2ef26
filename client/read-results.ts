import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { DeleteMessageCommand, ReceiveMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { resultEnvelopeSchema, type ResultMessage, storedResultSchema } from "../lambdas/domain/result-message.ts";

export type { ResultMessage } from "../lambdas/domain/result-message.ts";

export type ReadOptions = {
  readonly sqs: SQSClient;
  /** The tenant's own results queue. */
  readonly queueUrl: string;
  /** Fetches responses that were too large for a message; without it such a result comes with `response: null`. */
  readonly s3?: S3Client;
  /** Ends the reading; without it, reading goes on for ever. */
  readonly signal?: AbortSignal;
  /** Job ids remembered to drop repeats; 100,000 by default. */
  readonly remembered?: number;
};

/** What a queue holds: a result, or a message that is none, which is left on the queue for its dead-letter policy. */
export type ReadItem =
  | { readonly kind: "result"; readonly result: ResultMessage }
  | { readonly kind: "unreadable"; readonly messageId: string; readonly body: string };

/**
 * A tenant's results as they come, each job's once (as far as `remembered` reaches: SQS and Offpeak deliver at least
 * once). A message is deleted when its last result was taken and the next one is asked for: what the loop's body did
 * with a result is done before the queue forgets it.
 */
export async function* readResults(options: ReadOptions): AsyncGenerator<ReadItem, void, void> {
  const { sqs, queueUrl, signal } = options;
  const seen = new RecentIds(options.remembered ?? 100_000);
  while (signal?.aborted !== true) {
    for (const { MessageId = "", Body = "", ReceiptHandle } of await receive(options)) {
      const results = parse(Body);
      if (!results) {
        yield { kind: "unreadable", messageId: MessageId, body: Body };
        continue;
      }
      for (const result of results) {
        if (result.jobId !== null && seen.has(result.jobId, result.attempts)) continue;
        yield { kind: "result", result: await completed(result, options.s3) };
        if (result.jobId !== null) seen.add(result.jobId, result.attempts);
      }
      await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
    }
  }
}

async function receive({ sqs, queueUrl, signal }: ReadOptions) {
  try {
    const command = new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 20 });
    const { Messages: messages = [] } = await sqs.send(command, { abortSignal: signal });
    return messages;
  } catch (error) {
    if (signal?.aborted === true) return [];
    throw error;
  }
}

function parse(body: string): readonly ResultMessage[] | undefined {
  try {
    const envelope = resultEnvelopeSchema.parse(JSON.parse(body));
    return "results" in envelope ? envelope.results : [envelope];
  } catch {
    return undefined;
  }
}

/** The result with its response, fetched when the message could not hold it. */
async function completed(result: ResultMessage, s3: S3Client | undefined): Promise<ResultMessage> {
  const { result: pointer } = result;
  if (!s3 || pointer === null || result.response !== null || result.status !== "succeeded") return result;
  const { bucket, key, offset, length } = pointer;
  const range = `bytes=${offset}-${offset + length - 1}`;
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key, Range: range }));
  const stored = storedResultSchema.parse(JSON.parse((await Body?.transformToString()) ?? ""));
  return { ...result, response: stored.response };
}

/** The last so many results, oldest forgotten first. Another round of a failed job has other attempts: it is new. */
class RecentIds {
  readonly #limit: number;
  readonly #ids = new Set<string>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  has(jobId: string, attempts: number): boolean {
    return this.#ids.has(`${jobId}-${attempts}`);
  }

  add(jobId: string, attempts: number): void {
    this.#ids.add(`${jobId}-${attempts}`);
    const [oldest] = this.#ids;
    if (this.#ids.size > this.#limit && oldest !== undefined) this.#ids.delete(oldest);
  }
}
