import { Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { TIERS } from "../../lambdas/domain/vocabulary.ts";
import { type Permission, sendTo } from "../permissions.ts";
import type { Queues } from "../queues.ts";

/** For WORKLOAD_QUEUES: the URLs by workload, as JSON. */
export function workloadUrls(scope: Construct, { workloads }: Queues): string {
  const urls = Object.entries(workloads).map(([name, { queue }]) => [name, queue.queueUrl]);
  return Stack.of(scope).toJsonString(Object.fromEntries(urls));
}

/** To send results of the workloads' jobs to the queues that they are taken from; nothing where there are none. */
export function sendToWorkloads({ workloads }: Queues): Permission[] {
  const queues = Object.values(workloads).map(({ queue }) => queue);
  return queues.length === 0 ? [] : [sendTo(...queues)];
}

/** For JOB_QUEUE_URLS: the URLs by tier, as JSON. Which of them a function may send to is a matter of its role. */
export function jobQueueUrls(scope: Construct, { jobs }: Queues): string {
  const urls = TIERS.map((tier) => [tier, jobs[tier].queue.queueUrl]);
  return Stack.of(scope).toJsonString(Object.fromEntries(urls));
}
