import { readLetter } from "../lambdas/domain/dead-letter.ts";
import type { OpenedLetter } from "../lambdas/retry-dead-letters/send-on.ts";
import { OperatorError } from "./operator-error.ts";
import type { DeadLetterQueue, Stack } from "./stack.ts";

/** A dead letter that was received: hidden from others until it is shown again or deleted. */
export type SeenLetter = OpenedLetter & { readonly from: DeadLetterQueue };

type Page = {
  /** Those to be deleted; the others are shown again in the end. */
  readonly gone: readonly SeenLetter[];
  /** Whether enough was seen. */
  readonly enough?: boolean;
};
type Work = (letters: readonly SeenLetter[]) => Promise<Page>;

/** As many as SQS gives at a time. */
const LETTERS_PER_RECEIVE = 10;

/**
 * Goes through the dead letters, up to `limit` of each queue, and hands them over page by page, each letter once. What
 * was only looked at is shown to others again, whatever happens.
 */
export async function eachPage(
  stack: Pick<Stack, "deadLetters">,
  work: Work,
  limit = Infinity,
): Promise<void> {
  const reading = { enough: false };
  // All queues at once: each is waited for a second before it counts as empty.
  const read = stack.deadLetters.map((from) => eachPageOf(from, work, limit, reading));
  for (const outcome of await Promise.allSettled(read))
    if (outcome.status === "rejected") throw outcome.reason;
}

async function eachPageOf(
  from: DeadLetterQueue,
  work: Work,
  limit: number,
  reading: { enough: boolean },
): Promise<void> {
  const { queue } = from;
  if (queue === undefined) throw new OperatorError(`${from.name} is no dead-letter queue of this release`);
  const kept = new Set<string>();
  const ids = new Set<string>();
  try {
    while (!reading.enough && ids.size < limit) {
      const received = await from.inbox.receive(Math.min(LETTERS_PER_RECEIVE, limit - ids.size));
      for (const { receipt } of received) kept.add(receipt);
      // After five minutes the first show again.
      const fresh = received.filter(({ messageId }) => !ids.has(messageId));
      if (fresh.length === 0) break;
      for (const { messageId } of fresh) ids.add(messageId);
      const letters = fresh.map((one) => ({ from, received: one, letter: readLetter(queue, one) }));
      const { gone, enough } = await work(letters);
      const receipts = gone.map(({ received: { receipt } }) => receipt);
      await from.inbox.delete(receipts);
      for (const receipt of receipts) kept.delete(receipt);
      reading.enough ||= enough ?? false;
    }
  } finally {
    await from.inbox.release([...kept]);
  }
}

/** Does something with the letter of this id. Throws OperatorError when it is not to be had. */
export async function withLetter<Result>(
  stack: Pick<Stack, "deadLetters">,
  id: string,
  work: (letter: SeenLetter) => Promise<{ readonly result: Result; readonly gone: boolean }>,
): Promise<Result> {
  const results: Result[] = [];
  await eachPage(stack, async (letters) => {
    const letter = letters.find(({ received }) => received.messageId === id);
    if (letter === undefined) return { gone: [] };
    const { result, gone } = await work(letter);
    results.push(result);
    return { gone: gone ? [letter] : [], enough: true };
  });
  const [result] = results;
  if (result === undefined) throw new OperatorError(notThere(id));
  return result;
}

export function notThere(id: string): string {
  return `there is no dead letter ${id}, or somebody else is reading it, which takes five minutes at most: see \`offpeak dead-letters list\``;
}
