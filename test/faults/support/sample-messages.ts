import type { DeadLetter, RunRequest } from "../../../lambdas/domain/internal-messages.ts";

/** A request whose answer nobody could take for another's; `fields` add to its body. */
export function requestOf(
  provider: "openai" | "anthropic",
  key: string,
  fields: Readonly<Record<string, unknown>>,
): object {
  const messages = [{ role: "user", content: `Please confirm ${key}, as ordered on the phone.` }];
  if (provider === "openai") {
    const body = { model: "gpt-4.1-nano", messages, ...fields };
    return { provider, endpoint: "/v1/chat/completions", body };
  }
  const body = { model: "claude-haiku-4-5", max_tokens: 64, messages, ...fields };
  return { provider, endpoint: "/v1/messages", body };
}

/** The message of a job that can wait for a day (`low`), or for seconds only. */
export function jobMessage(
  tenantId: string,
  idempotencyKey: string,
  tier: "low" | "critical",
  request: object,
): object {
  const taskType = tier === "low" ? "content_generation" : "live_chat_response";
  return {
    version: 1,
    tenantId,
    idempotencyKey,
    taskType,
    vertical: "salon",
    agentId: "front-desk",
    request,
  };
}

/** What the schedule that retries dead letters makes of one. */
export function runRequestOf({ tenantId, jobId, source }: Extract<DeadLetter, { kind: "job" }>): RunRequest {
  return { version: 1, kind: "run", tenantId, jobId, source, reason: "dead-letter", attempt: null };
}
