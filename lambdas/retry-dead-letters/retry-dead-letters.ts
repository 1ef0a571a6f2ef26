import { isSentOnByItself, type LetterQueue, readLetter } from "../domain/dead-letter.ts";
import type { DeadLetterInbox, Runtime } from "../ports.ts";
import { sendOn, type SendOnPorts } from "./send-on.ts";

/** Milliseconds for which one run begins to read more letters: what it leaves, the next scheduled run takes. */
const READS_FOR = 180_000;

export type RetryPorts = SendOnPorts & { readonly runtime: Runtime };

/**
 * Sends on what lies on one dead-letter queue, until it is empty or the time is over: jobs to be run once more, alone;
 * messages that SQS gave up on to be admitted as they came; run requests and deliveries, a limited number of times, to
 * their own queues. The rest stays where it is for the operator. Returns how many were sent on.
 */
export async function retryDeadLetters(
  inbox: DeadLetterInbox,
  queue: LetterQueue,
  ports: RetryPorts,
): Promise<number> {
  const until = ports.runtime.now() + READS_FOR;
  const kept: string[] = [];
  let sent = 0;
  while (ports.runtime.now() < until) {
    const received = await inbox.receive();
    if (received.length === 0) break;
    const opened = received.map((letter) => ({ received: letter, letter: readLetter(queue, letter) }));
    const going = opened.filter(({ letter }) => isSentOnByItself(letter));
    if (going.length > 0) {
      // Sent before deleted: a crash between the two sends a letter twice, which is done once.
      await sendOn(going, ports);
      await inbox.delete(going.map(({ received: { receipt } }) => receipt));
    }
    kept.push(...opened.filter((one) => !going.includes(one)).map(({ received: { receipt } }) => receipt));
    sent += going.length;
  }
  // Only now: released at once, they would be received again by this very run.
  if (kept.length > 0) await inbox.release(kept);
  return sent;
}
