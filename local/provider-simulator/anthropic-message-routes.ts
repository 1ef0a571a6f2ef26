import type { FastifyInstance, FastifyReply } from "fastify";
import { executeAnthropic } from "./anthropic-answers.ts";
import { anthropicAccount, requestIdOf } from "./anthropic-scope.ts";
import { promptTokens } from "./invoice.ts";
import { ProviderRefusal } from "./provider-errors.ts";
import { RateWindow } from "./provider-scope.ts";
import type { SimulatorState } from "./simulator-state.ts";

const REQUESTS_PER_MINUTE = 4000;
const INPUT_TOKENS_PER_MINUTE = 4_000_000;
/** A message, unlike a batch of them, may be no larger. */
const LARGEST_BODY = 32 * 1024 * 1024;

/** Messages that are answered at once, at standard prices. */
export function addAnthropicMessageRoutes(app: FastifyInstance, simulator: SimulatorState): void {
  const rates = new RateWindow();
  const options = { bodyLimit: LARGEST_BODY, config: { operation: "anthropic.messages" } } as const;
  app.post("/v1/messages", options, async (request, reply) => {
    const account = anthropicAccount(request);
    const requestId = requestIdOf(reply);
    await simulator.waitDirectLatency();
    const call = simulator.call(account, "sync", requestId);
    const execution = executeAnthropic(request.body, call);
    const tokens = execution.kind === "answered" ? promptTokens(execution.usage) : 0;
    addRateHeaders(reply, rates.add(account, tokens, call.now), call.now);
    if (execution.kind === "refused") throw new ProviderRefusal(execution.refusal);
    const { model, service, usage, bodyJson } = execution;
    const origin = { provider: "anthropic", batchId: null, customId: null } as const;
    simulator.invoice.bill({ ...origin, requestId, model: model.id, service, usage }, call.now);
    return reply.type("application/json").send(bodyJson);
  });
}

function addRateHeaders(reply: FastifyReply, used: ReturnType<RateWindow["add"]>, now: number): void {
  const reset = new Date(now + used.resetMs).toISOString();
  reply.headers({
    "anthropic-ratelimit-requests-limit": String(REQUESTS_PER_MINUTE),
    "anthropic-ratelimit-requests-remaining": String(Math.max(0, REQUESTS_PER_MINUTE - used.requests)),
    "anthropic-ratelimit-requests-reset": reset,
    "anthropic-ratelimit-input-tokens-limit": String(INPUT_TOKENS_PER_MINUTE),
    "anthropic-ratelimit-input-tokens-remaining": String(Math.max(0, INPUT_TOKENS_PER_MINUTE - used.tokens)),
    "anthropic-ratelimit-input-tokens-reset": reset,
  });
}
