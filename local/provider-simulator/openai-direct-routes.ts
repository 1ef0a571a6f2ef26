import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Operation } from "./faults.ts";
import { promptTokens } from "./invoice.ts";
import { executeOpenAi } from "./openai-answers.ts";
import { checkOpenAiRequest, type OpenAiEndpoint } from "./openai-request-rules.ts";
import { openAiAccount } from "./openai-scope.ts";
import { openAiRefusal, ProviderRefusal } from "./provider-errors.ts";
import { RateWindow } from "./provider-scope.ts";
import type { SimulatorState } from "./simulator-state.ts";

const REQUESTS_PER_MINUTE = 10_000;
const TOKENS_PER_MINUTE = 10_000_000;

const DIRECT_CALLS: readonly { path: string; endpoint: OpenAiEndpoint; operation: Operation }[] = [
  { path: "/chat/completions", endpoint: "/v1/chat/completions", operation: "openai.chat.completions" },
  { path: "/responses", endpoint: "/v1/responses", operation: "openai.responses" },
  { path: "/embeddings", endpoint: "/v1/embeddings", operation: "openai.embeddings" },
];

/** Calls that are answered at once, at standard prices, or after a while, at flex prices. */
export function addOpenAiDirectRoutes(app: FastifyInstance, simulator: SimulatorState): void {
  const rates = new RateWindow();
  for (const { path, endpoint, operation } of DIRECT_CALLS) {
    app.post(path, { config: { operation } }, (request, reply) =>
      answer(simulator, rates, endpoint, request, reply),
    );
  }
}

async function answer(
  simulator: SimulatorState,
  rates: RateWindow,
  endpoint: OpenAiEndpoint,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const account = openAiAccount(request);
  const requestId = String(reply.getHeader("x-request-id"));
  await simulator.waitDirectLatency();
  const isFlex = asksForFlex(request.body) && checkOpenAiRequest(endpoint, request.body).kind === "accepted";
  if (isFlex && !(await simulator.waitForFlex(requestId))) throw new ProviderRefusal(NO_CAPACITY);
  const call = simulator.call(account, "sync", requestId);
  const execution = executeOpenAi(endpoint, request.body, call);
  const tokens =
    execution.kind === "answered" ? promptTokens(execution.usage) + execution.usage.outputTokens : 0;
  addRateHeaders(reply, rates.add(account, tokens, call.now));
  if (execution.kind === "refused") throw new ProviderRefusal(execution.refusal);
  const { model, service, usage, bodyJson } = execution;
  const origin = { provider: "openai", batchId: null, customId: null } as const;
  simulator.invoice.bill({ ...origin, requestId, model: model.id, service, usage }, call.now);
  return reply.type("application/json").send(bodyJson);
}

/** Not billed. The guide names the status and these words; the code is not documented. */
const NO_CAPACITY = openAiRefusal(
  "Resource Unavailable: there is no capacity for flex processing right now.",
  {
    status: 429,
    type: "resource_unavailable",
    code: "resource_unavailable",
  },
);

function asksForFlex(body: unknown): boolean {
  return typeof body === "object" && body !== null && Reflect.get(body, "service_tier") === "flex";
}

function addRateHeaders(reply: FastifyReply, used: ReturnType<RateWindow["add"]>): void {
  reply.headers({
    "x-ratelimit-limit-requests": String(REQUESTS_PER_MINUTE),
    "x-ratelimit-limit-tokens": String(TOKENS_PER_MINUTE),
    "x-ratelimit-remaining-requests": String(Math.max(0, REQUESTS_PER_MINUTE - used.requests)),
    "x-ratelimit-remaining-tokens": String(Math.max(0, TOKENS_PER_MINUTE - used.tokens)),
    "x-ratelimit-reset-requests": `${used.resetMs}ms`,
    "x-ratelimit-reset-tokens": `${used.resetMs}ms`,
  });
}
