import { openAiErrorBody, type Refusal } from "./provider-errors.ts";
import { derivedId } from "./seeded-random.ts";

const UNFINISHED = {
  expired: {
    code: "batch_expired",
    message: "This request could not be executed before the completion window expired.",
  },
  cancelled: { code: "batch_cancelled", message: "This request was not executed: the batch was cancelled." },
} as const;

/** A request that was executed; `bodyJson` is what its endpoint answered, well or ill. */
export function executedLine(
  batchId: string,
  customId: string,
  index: number,
  status: number,
  bodyJson: string,
): string {
  const response = `{"status_code":${status},"request_id":"${requestIdOf(batchId, index)}","body":${bodyJson}}`;
  return `{"id":"${lineIdOf(batchId, index)}","custom_id":${JSON.stringify(customId)},"response":${response},"error":null}`;
}

/** A request that its endpoint refused. */
export function refusedLine(batchId: string, customId: string, index: number, refusal: Refusal): string {
  return executedLine(batchId, customId, index, refusal.status, JSON.stringify(openAiErrorBody(refusal)));
}

/** A request that was not executed before its batch ended. */
export function unfinishedLine(
  batchId: string,
  customId: string,
  index: number,
  ending: "expired" | "cancelled",
): string {
  const id = lineIdOf(batchId, index);
  return JSON.stringify({ id, custom_id: customId, response: null, error: UNFINISHED[ending] });
}

export function requestIdOf(batchId: string, index: number): string {
  return derivedId("", `request|${batchId}|${index}`, 32);
}

function lineIdOf(batchId: string, index: number): string {
  return derivedId("batch_req_", `${batchId}|${index}`, 32);
}
