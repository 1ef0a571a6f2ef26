import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { ResultMessage } from "../../client/read-results.ts";
import { resultMessageSchema } from "../../lambdas/domain/result-message.ts";
import { jobIdFor } from "../contracts/sample-records.ts";

/** The result of the job with this key, as the gateway would tell it. */
export function aResult(key: string, fields: Partial<ResultMessage> = {}): ResultMessage {
  return resultMessageSchema.parse({
    version: 1,
    jobId: jobIdFor(key),
    messageId: null,
    tenantId: "acme",
    idempotencyKey: key,
    taskType: "post_call_summary",
    vertical: "healthcare",
    agentId: "front-desk",
    status: "succeeded",
    late: false,
    response: { text: `answer to ${key}` },
    error: null,
    provider: "openai",
    model: "gpt-5-nano",
    tier: "normal",
    lane: "batch",
    attempts: 1,
    usage: {
      inputTokens: 812,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      outputTokens: 140,
      reasoningTokens: 0,
    },
    costMicroUsd: 48.3,
    syncCostMicroUsd: 96.6,
    costPicoUsd: "48300000",
    producedAt: "2026-11-21T11:00:00.000Z",
    effectiveUntil: "2026-11-22T11:00:00.000Z",
    result: null,
    metadata: {},
    ...fields,
  });
}

export async function put(sqs: SQSClient, queueUrl: string, ...bodies: readonly unknown[]): Promise<void> {
  for (const body of bodies) {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: text }));
  }
}
