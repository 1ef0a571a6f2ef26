import type { Letter } from "../domain/dead-letter.ts";
import type { Delivery, RunRequest } from "../domain/internal-messages.ts";
import { deadLetterKey } from "../domain/object-keys.ts";
import type { Tier } from "../domain/vocabulary.ts";
import type { DeliveryQueue, ObjectStore, ReceivedLetter, RunQueue } from "../ports.ts";

/** Bytes. A message of this size fits a run request with its quotes escaped; a larger one goes by way of the bucket. */
const LARGEST_WRAPPED_BODY = 200 * 1024;

export type SendOnPorts = {
  readonly runs: RunQueue;
  readonly deliveries: DeliveryQueue;
  readonly objects: Pick<ObjectStore, "put">;
};

/** A letter and what it is. */
export type OpenedLetter = { readonly received: ReceivedLetter; readonly letter: Letter };

/** Sends letters to where they are worked on. What is unreadable or a workload's is sent nowhere, and must not be deleted. */
export async function sendOn(letters: readonly OpenedLetter[], ports: SendOnPorts): Promise<void> {
  const runs: RunRequest[] = [];
  const deliveries: Delivery[] = [];
  for (const { received, letter } of letters) {
    switch (letter.kind) {
      case "job": {
        const { tenantId, jobId, source, attempts: attempt } = letter.letter;
        runs.push({ version: 1, kind: "run", tenantId, jobId, source, reason: "dead-letter", attempt });
        break;
      }
      case "moved":
        runs.push(await wrapped(received, letter.queue, ports.objects));
        break;
      case "run":
        runs.push({ ...letter.request, passes: (letter.request.passes ?? 0) + 1 });
        break;
      case "delivery":
        deliveries.push({ ...letter.delivery, passes: (letter.delivery.passes ?? 0) + 1 });
        break;
      case "message": {
        const { messageId, senderId, at, body, bodyKey } = letter.letter;
        const sent = { messageId, senderId, sentAt: Date.parse(at), queue: letter.queue };
        runs.push({ version: 1, kind: "message", ...sent, body, bodyKey });
        break;
      }
      case "workload":
      case "unreadable":
        break;
    }
  }
  if (runs.length > 0) await ports.runs.send(runs);
  if (deliveries.length > 0) await ports.deliveries.send(deliveries);
}

/** A tenant's message as it came, with its sender, so that it is admitted under the same checks as any. */
async function wrapped(
  { messageId, senderId, sentAt, body }: ReceivedLetter,
  queue: Tier,
  objects: Pick<ObjectStore, "put">,
): Promise<RunRequest> {
  const request = { version: 1, kind: "message", messageId, senderId, sentAt, queue } as const;
  if (Buffer.byteLength(body) <= LARGEST_WRAPPED_BODY) return { ...request, body, bodyKey: null };
  const bodyKey = deadLetterKey(messageId);
  await objects.put(bodyKey, body);
  return { ...request, body: null, bodyKey };
}
