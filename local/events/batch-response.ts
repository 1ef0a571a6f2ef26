import { z } from "zod";

const response = z
  .object({ batchItemFailures: z.array(z.object({ itemIdentifier: z.string().min(1) })).nullish() })
  .nullable();

/**
 * The ids of the messages that stay in the queue, by what a function with ReportBatchItemFailures answered (JSON text).
 * Anything but the agreed shape, an empty identifier or one of no message of the batch fails the whole batch.
 * Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
export function failedMessageIds(payload: string, batch: ReadonlySet<string>): ReadonlySet<string> {
  const parsed = response.safeParse(JSON.parse(payload));
  if (!parsed.success) return batch;
  const failed = new Set(parsed.data?.batchItemFailures?.map(({ itemIdentifier }) => itemIdentifier));
  return [...failed].every((id) => batch.has(id)) ? failed : batch;
}
