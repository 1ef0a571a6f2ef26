import { GetQueueAttributesCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { wallClock } from "../step-functions/clock.ts";

/** What a stack is doing, counted. */
export interface Activity {
  /** Things under way: invocations, executions, batches. */
  active(): number;
  /** Things ever begun; it grows when something happens between two looks. */
  begun(): number;
}

const LOOK_EVERY_MS = 100;

/**
 * Resolves when nothing is under way and the queues hold no message, visible, in flight or delayed. Work moves from a
 * queue to a function to an execution and back, so only two looks in a row with nothing begun between them count.
 * Rejects with the signal's reason when it aborts first.
 */
export async function quiescent(
  activity: Activity,
  queueUrls: readonly string[],
  sqs: SQSClient,
  signal: AbortSignal,
): Promise<void> {
  let begunWhenQuiet: number | null = null;
  for (;;) {
    const begun = activity.begun();
    const quiet = activity.active() === 0 && (await allEmpty(queueUrls, sqs)) && activity.active() === 0;
    if (quiet && begunWhenQuiet === begun && activity.begun() === begun) return;
    begunWhenQuiet = quiet ? begun : null;
    await wallClock.sleep(LOOK_EVERY_MS, signal);
  }
}

async function allEmpty(queueUrls: readonly string[], sqs: SQSClient): Promise<boolean> {
  for (const QueueUrl of queueUrls) {
    const command = new GetQueueAttributesCommand({
      QueueUrl,
      AttributeNames: [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
      ],
    });
    const { Attributes = {} } = await sqs.send(command);
    if (Object.values(Attributes).some((count) => Number(count) > 0)) return false;
  }
  return true;
}
