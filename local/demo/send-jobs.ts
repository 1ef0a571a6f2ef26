import { queueUrlsFromOutputs } from "../../client/queue-urls.ts";
import { type JobInput, submitJobs } from "../../client/submit-jobs.ts";
import { type LocalGateway, pascalCase } from "../gateway/local-gateway.ts";

type Outputs = LocalGateway["outputs"];

/** Sends jobs as a tenant's app does. Throws when a message was not taken. */
export async function sendJobs(
  jobs: readonly JobInput[],
  outputs: Outputs,
  sqs: Parameters<typeof submitJobs>[1]["sqs"],
  signal: AbortSignal,
): Promise<void> {
  const outcomes = await submitJobs(jobs, { queueUrls: queueUrlsFromOutputs(outputs), sqs, signal });
  const failed = outcomes.find((outcome) => outcome.kind === "failed");
  if (failed?.kind === "failed") throw new Error(`a message could not be sent: ${failed.reason}`);
}

/** Each tenant's results queue. */
export function resultQueues(outputs: Outputs, tenantIds: readonly string[]): Map<string, string> {
  return new Map(
    tenantIds.map((tenantId) => [tenantId, outputs[`ResultsQueueUrl${pascalCase(tenantId)}`] ?? ""]),
  );
}
