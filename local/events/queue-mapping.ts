import { DeleteMessageBatchCommand, ReceiveMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { InvocationResult } from "../lambda/function-error.ts";
import { type Clock, wallClock } from "../step-functions/clock.ts";
import { failedMessageIds } from "./batch-response.ts";
import { fittingCount, type Received, sqsEvent, toReceived } from "./sqs-event.ts";

export interface QueueMappingOptions {
  readonly queueUrl: string;
  readonly queueArn: string;
  /** With the credentials of the function's role, as Lambda polls on its behalf. */
  readonly sqs: SQSClient;
  /** Invokes the function with an event as JSON text; never rejects. */
  readonly invoke: (event: string) => Promise<InvocationResult>;
  readonly batchSize: number;
  /** How long a batch waits for more messages after its first, in milliseconds. */
  readonly windowMs: number;
  readonly maximumConcurrency: number;
  readonly reportBatchItemFailures: boolean;
  /** What the window is measured by; the machine's clock when left out. */
  readonly clock?: Clock;
  readonly log: (line: string) => void;
}

const SQS_BATCH = 10;
const LONG_POLL_SECONDS = 20;
/** Between short polls while a window of less than a second is open. */
const SHORT_POLL_MS = 50;
const FIRST_BACK_OFF_MS = 100;
const LONGEST_BACK_OFF_MS = 5_000;

/** The loop that Lambda runs between a queue and a function. */
export class QueueMapping {
  readonly #options: QueueMappingOptions;
  readonly #clock: Clock;
  readonly #stopping = new AbortController();
  readonly #invocations = new Set<Promise<void>>();
  /** Received and not yet handed to the function. */
  #buffer: Received[] = [];
  #loop: Promise<void> | null = null;

  constructor(options: QueueMappingOptions) {
    this.#options = options;
    this.#clock = options.clock ?? wallClock;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** Messages waiting for their batch to fill, and batches with the function. */
  get activeCount(): number {
    return this.#buffer.length + this.#invocations.size;
  }

  /** Ends the loop; resolves once the invocations under way have been settled. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the mapping was stopped"));
    await this.#loop;
    await Promise.all(this.#invocations);
  }

  async #run(): Promise<void> {
    let backOff = FIRST_BACK_OFF_MS;
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#freeSlot();
        await this.#fill();
        this.#dispatch();
        backOff = FIRST_BACK_OFF_MS;
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        this.#options.log(`receiving from ${this.#options.queueUrl} failed: ${String(error)}`);
        await this.#pause(backOff);
        backOff = Math.min(backOff * 2, LONGEST_BACK_OFF_MS);
      }
    }
  }

  async #freeSlot(): Promise<void> {
    while (this.#invocations.size >= this.#options.maximumConcurrency) await Promise.race(this.#invocations);
  }

  /** Waits for a first message, and then for as many as make a batch or until the window closes. */
  async #fill(): Promise<void> {
    while (this.#buffer.length === 0) await this.#receive(LONG_POLL_SECONDS);
    const closesAt = this.#clock.now() + this.#options.windowMs;
    for (let left = this.#options.windowMs; left > 0 && !this.#full; left = closesAt - this.#clock.now()) {
      // A long poll lasts as many seconds of the machine's clock, whatever the window is measured by.
      const seconds = this.#clock === wallClock ? Math.min(Math.floor(left / 1000), LONG_POLL_SECONDS) : 0;
      const received = await this.#receive(seconds);
      if (received === 0 && seconds === 0) await this.#pause(Math.min(left, SHORT_POLL_MS));
    }
  }

  get #full(): boolean {
    const { batchSize } = this.#options;
    return this.#buffer.length >= batchSize || fittingCount(this.#buffer, batchSize) < this.#buffer.length;
  }

  async #receive(waitSeconds: number): Promise<number> {
    const { sqs, queueUrl, queueArn, batchSize } = this.#options;
    const command = new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: Math.min(SQS_BATCH, batchSize - this.#buffer.length),
      WaitTimeSeconds: waitSeconds,
      MessageSystemAttributeNames: ["All"],
      MessageAttributeNames: ["All"],
    });
    const { Messages = [] } = await sqs.send(command, { abortSignal: this.#stopping.signal });
    this.#buffer.push(...Messages.map((message) => toReceived(message, queueArn)));
    return Messages.length;
  }

  #dispatch(): void {
    const batch = this.#buffer.splice(0, fittingCount(this.#buffer, this.#options.batchSize));
    const invocation = this.#process(batch).finally(() => this.#invocations.delete(invocation));
    this.#invocations.add(invocation);
  }

  async #process(batch: readonly Received[]): Promise<void> {
    const result = await this.#options.invoke(sqsEvent(batch));
    const done = this.#doneOf(batch, result);
    for (let start = 0; start < done.length; start += SQS_BATCH) {
      await this.#delete(done.slice(start, start + SQS_BATCH));
    }
  }

  #doneOf(batch: readonly Received[], result: InvocationResult): readonly Received[] {
    if (result.kind === "failed") return [];
    if (!this.#options.reportBatchItemFailures) return batch;
    const failed = failedMessageIds(result.payload, new Set(batch.map(({ messageId }) => messageId)));
    return batch.filter(({ messageId }) => !failed.has(messageId));
  }

  /** What cannot be deleted comes again, which consumers of SQS have to bear anyway. */
  async #delete(messages: readonly Received[]): Promise<void> {
    const { sqs, queueUrl, log } = this.#options;
    const Entries = messages.map(({ receiptHandle }, index) => ({
      Id: String(index),
      ReceiptHandle: receiptHandle,
    }));
    try {
      const { Failed = [] } = await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
      for (const entry of Failed)
        log(`a message of ${queueUrl} was not deleted: ${entry.Code} ${entry.Message}`);
    } catch (error) {
      log(`deleting from ${queueUrl} failed: ${String(error)}`);
    }
  }

  async #pause(ms: number): Promise<void> {
    await this.#clock.sleep(ms, this.#stopping.signal).catch(() => undefined);
  }
}
