import { setTimeout as sleep } from "node:timers/promises";
import { SendMessageBatchCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { type JobDraft, MAX_SEND_BYTES } from "./job-input.ts";

/**
 * What became of a job. `failed`: submit it again once the reason is gone. When no answer came it may be on the queue all
 * the same, and still runs once.
 */
export type SubmitOutcome =
  | { readonly kind: "sent"; readonly messageId: string }
  | { readonly kind: "failed"; readonly reason: string };

/** A draft and its place among the jobs that were submitted. */
export type Entry = JobDraft & { readonly number: number };

/** Messages in one SendMessageBatch: SQS's limit. */
const MESSAGES_PER_CALL = 10;
/** Milliseconds at most before the second try, doubled for each after it. */
const FIRST_WAIT = 200;

/** The entries in order, cut where a call would have more than 10 messages or 1 MiB. */
export function callsOf(entries: readonly Entry[]): Entry[][] {
  const calls: Entry[][] = [];
  let call: Entry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    if (call.length === MESSAGES_PER_CALL || bytes + entry.bytes > MAX_SEND_BYTES) {
      calls.push(call);
      call = [];
      bytes = 0;
    }
    call.push(entry);
    bytes += entry.bytes;
  }
  if (call.length > 0) calls.push(call);
  return calls;
}

export type Call = {
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  readonly tries: number;
  readonly signal: AbortSignal | undefined;
};

/**
 * Sends these entries in one call, and again those that SQS did not take unless it blames them on us. Yields what became
 * of each, once; never throws.
 */
export async function* sendCall(
  entries: readonly Entry[],
  { sqs, queueUrl, tries, signal }: Call,
): AsyncGenerator<readonly [Entry, SubmitOutcome], void, undefined> {
  let left = entries;
  let reason = "SQS did not say what became of it";
  try {
    for (let number = 1; number <= tries && left.length > 0; number++) {
      if (number > 1) await sleep(Math.random() * FIRST_WAIT * 2 ** (number - 2), undefined, { signal });
      const command = new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: left.map(toRequest) });
      const { Successful: taken = [], Failed: refused = [] } = await sqs.send(command, {
        abortSignal: signal,
      });
      const outcomes = new Map<string | undefined, SubmitOutcome>();
      for (const { Id, MessageId = "" } of taken) outcomes.set(Id, { kind: "sent", messageId: MessageId });
      for (const { Id, SenderFault, Code, Message } of refused) {
        reason = `${Code}: ${Message ?? "SQS gives no reason"}`;
        if (SenderFault) outcomes.set(Id, { kind: "failed", reason });
      }
      const unanswered: Entry[] = [];
      for (const [place, entry] of left.entries()) {
        const outcome = outcomes.get(String(place));
        if (outcome) yield [entry, outcome];
        else unanswered.push(entry);
      }
      left = unanswered;
    }
  } catch (error) {
    reason = signal?.aborted ? "aborted before SQS took the message" : String(error);
  }
  for (const entry of left) yield [entry, { kind: "failed", reason }];
}

function toRequest({ body, tenantId }: Entry, place: number) {
  // On a standard queue the group is who the message is for: SQS then keeps one busy tenant from delaying the others.
  return { Id: String(place), MessageBody: body, MessageGroupId: tenantId };
}
