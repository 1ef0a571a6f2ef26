import { Stack } from "aws-cdk-lib";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { TIERS } from "../lambdas/domain/vocabulary.ts";
import type { Queues } from "./queues.ts";

/** The dead-letter queues of the job queues, most urgent tier first: functions write to these, and operators retry. */
export function deadLetterQueuesOf(queues: Queues): Queue[] {
  return TIERS.map((tier) => queues.jobs[tier].deadLetters);
}

/** The environment variable DEAD_LETTER_QUEUE_URLS. */
export function deadLetterUrls(scope: Construct, queues: Queues): string {
  return Stack.of(scope).toJsonString(
    Object.fromEntries(TIERS.map((tier) => [tier, queues.jobs[tier].deadLetters.queueUrl])),
  );
}
