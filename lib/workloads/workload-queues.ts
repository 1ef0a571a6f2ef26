import { Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
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
