import { z } from "zod";
import { logFailure, logger, observed } from "./telemetry.ts";

/** Lambda's SQS event, as much of it as is used. */
const sqsEventSchema = z.object({
  Records: z.array(
    z.object({
      messageId: z.string(),
      body: z.string(),
      eventSourceARN: z.string(),
      attributes: z.object({
        SentTimestamp: z.coerce.number(),
        SenderId: z.string().optional(),
      }),
    }),
  ),
});
export type QueueRecord = z.infer<typeof sqsEventSchema>["Records"][number];

/** A record that stays on its queue, and why. */
export type FailedRecord = { readonly messageId: string; readonly error: unknown };

/** What Lambda is answered: everything that is not listed is deleted from the queue. */
export type BatchResponse = { readonly batchItemFailures: readonly { readonly itemIdentifier: string }[] };

/** A queue's function: partial failures are reported by record, so that one bad message holds up no other. */
export function queueConsumer(
  consume: (records: readonly QueueRecord[]) => Promise<readonly FailedRecord[]>,
): (event: unknown) => Promise<BatchResponse> {
  return (event) =>
    observed(async () => {
      const records = sqsEventSchema.parse(event).Records;
      const failed = await consume(records);
      logger.info("messages taken", { messages: records.length, failed: failed.length });
      for (const { messageId, error } of failed)
        logFailure("message stays on its queue", error, { messageId });
      return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    });
}

/** Runs each record by itself and collects those that threw. */
export async function eachRecord(
  records: readonly QueueRecord[],
  consume: (record: QueueRecord) => Promise<void>,
): Promise<readonly FailedRecord[]> {
  const outcomes = await Promise.allSettled(records.map(consume));
  return outcomes.flatMap((outcome, number) => {
    const messageId = records[number]?.messageId;
    return outcome.status === "rejected" && messageId !== undefined
      ? [{ messageId, error: outcome.reason }]
      : [];
  });
}
