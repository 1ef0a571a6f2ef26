import { z } from "zod";
import type { Tier } from "../lambdas/domain/vocabulary.ts";

/** The job queues of a stack, by tier. */
export type QueueUrls = Readonly<Record<Tier, string>>;

const outputsSchema = z.object({
  JobsCriticalQueueUrl: z.url(),
  JobsHighQueueUrl: z.url(),
  JobsNormalQueueUrl: z.url(),
  JobsLowQueueUrl: z.url(),
});

/**
 * The job queues from a stack's outputs: the object inside the file that `cdk deploy --outputs-file` writes. Throws a
 * ZodError that names what is missing.
 */
export function queueUrlsFromOutputs(outputs: unknown): QueueUrls {
  const parsed = outputsSchema.parse(outputs);
  return {
    critical: parsed.JobsCriticalQueueUrl,
    high: parsed.JobsHighQueueUrl,
    normal: parsed.JobsNormalQueueUrl,
    low: parsed.JobsLowQueueUrl,
  };
}
