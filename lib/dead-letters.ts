import { Stack } from "aws-cdk-lib";
import type { Queue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { TIERS } from "../lambdas/domain/vocabulary.ts";
import type { Queues } from "./queues.ts";

/** The dead-letter queues of the job queues, most urgent tier first: functions write to these, and operators retry. */
export function deadLetterQueuesOf(queues: Queues): Queue[] {
  return TIERS.map((tier) => queues.jobs[tier].deadLetters);
}

/** The dead-letter queues of the queues that only our functions write to. */
export function ownDeadLetterQueuesOf({ runs, deliveries }: Queues): Queue[] {
  return [runs.deadLetters, deliveries.deadLetters];
}

/** The environment variable OWN_DEAD_LETTER_QUEUE_URLS. */
export function ownDeadLetterUrls(scope: Construct, { runs, deliveries }: Queues): string {
  const urls = { runs: runs.deadLetters.queueUrl, deliveries: deliveries.deadLetters.queueUrl };
  return Stack.of(scope).toJsonString(urls);
}

/** The environment variable DEAD_LETTER_QUEUE_URLS. */
export function deadLetterUrls(scope: Construct, queues: Queues): string {
  return Stack.of(scope).toJsonString(
    Object.fromEntries(TIERS.map((tier) => [tier, queues.jobs[tier].deadLetters.queueUrl])),
  );
}
