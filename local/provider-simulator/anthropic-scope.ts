import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { anthropicErrorBody, anthropicRefusal, ProviderRefusal } from "./provider-errors.ts";
import { accountOf, bearerKey, installFaultHooks } from "./provider-scope.ts";
import type { SimulatorState } from "./simulator-state.ts";

/** Keys, headers, errors and faults that all Anthropic routes share. */
export function installAnthropicScope(app: FastifyInstance, simulator: SimulatorState): void {
  app.addHook("onRequest", async (request, reply) => {
    reply.header("request-id", simulator.newId("req_01", 22));
    reply.header("anthropic-organization-id", anthropicAccount(request));
    if (typeof request.headers["anthropic-version"] !== "string") {
      throw new ProviderRefusal(anthropicRefusal("anthropic-version: header is required"));
    }
  });
  installFaultHooks(app, simulator, "anthropic");
  app.setErrorHandler((error, _request, reply) => {
    const refusal =
      error instanceof ProviderRefusal ? error.refusal : anthropicRefusal(describe(error), statusOf(error));
    return reply.status(refusal.status).send(anthropicErrorBody(refusal, requestIdOf(reply)));
  });
  app.setNotFoundHandler((_request, reply) =>
    reply.status(404).send(anthropicErrorBody(anthropicRefusal("Not found", 404), requestIdOf(reply))),
  );
}

/** The key may come as `x-api-key` or, as the SDK sends it since version 1, as a bearer. Throws a 401 without one. */
export function anthropicAccount(request: FastifyRequest): string {
  const key = request.headers["x-api-key"] ?? bearerKey(request);
  if (typeof key === "string" && key !== "") return accountOf("anthropic", key);
  throw new ProviderRefusal(anthropicRefusal("x-api-key header is required", 401));
}

export function requestIdOf(reply: FastifyReply): string {
  return String(reply.getHeader("request-id"));
}

function statusOf(error: unknown): number {
  const status = error instanceof Error && "statusCode" in error ? error.statusCode : 500;
  return typeof status === "number" ? status : 500;
}

function describe(error: unknown): string {
  if (statusOf(error) === 400) return "The request body is not valid JSON.";
  if (statusOf(error) === 413) return "Request exceeds the maximum size";
  return error instanceof Error ? error.message : "Internal server error";
}
