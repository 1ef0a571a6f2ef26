import { type DeadLetter, deadLetterSchema, type RunRequest } from "../domain/internal-messages.ts";
import type { DeadLetterInbox, ReceivedLetter, RunQueue } from "../ports.ts";

/** Calls that one run makes to each queue at most: what it leaves, the next scheduled run takes. */
const MAX_RECEIVES = 20;

/**
 * Sends dead-lettered jobs through the `runs` queue, one run request each. What is no job (messages kept because they
 * could be answered to nobody) stays where it is for the operator. Returns how many jobs were sent on.
 */
export async function retryDeadLetters(inbox: DeadLetterInbox, runs: RunQueue): Promise<number> {
  const kept: string[] = [];
  let sent = 0;
  for (let call = 0; call < MAX_RECEIVES; call += 1) {
    const received = await inbox.receive();
    if (received.length === 0) break;
    const { requests, receipts, others } = sortLetters(received);
    // Sent before deleted: a crash between the two runs a job request twice, which its lease turns into once.
    await runs.send(requests);
    await inbox.delete(receipts);
    kept.push(...others);
    sent += requests.length;
  }
  // Only now: released at once, they would be received again by this very run.
  await inbox.release(kept);
  return sent;
}

function sortLetters(received: readonly ReceivedLetter[]) {
  const requests: RunRequest[] = [];
  const receipts: string[] = [];
  const others: string[] = [];
  for (const { body, receipt } of received) {
    const letter = parseLetter(body);
    if (letter?.kind === "job") {
      requests.push(runRequestOf(letter));
      receipts.push(receipt);
    } else {
      others.push(receipt);
    }
  }
  return { requests, receipts, others };
}

function parseLetter(body: string): DeadLetter | undefined {
  try {
    return deadLetterSchema.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}

function runRequestOf({ tenantId, jobId, source }: Extract<DeadLetter, { kind: "job" }>): RunRequest {
  return { version: 1, kind: "run", tenantId, jobId, source, reason: "dead-letter" };
}
