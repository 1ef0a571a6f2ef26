import type { FastifyInstance, FastifyRequest } from "fastify";
import { openAiErrorBody, openAiRefusal, ProviderRefusal } from "./provider-errors.ts";
import { accountOf, bearerKey, installFaultHooks } from "./provider-scope.ts";
import type { SimulatorState } from "./simulator-state.ts";

/** Keys, headers, errors and faults that all OpenAI routes share. */
export function installOpenAiScope(app: FastifyInstance, simulator: SimulatorState): void {
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", simulator.newId("req_", 32));
    reply.header("openai-version", "2020-10-01");
    reply.header("openai-processing-ms", "1");
    reply.header("openai-organization", openAiAccount(request));
  });
  installFaultHooks(app, simulator, "openai");
  app.setErrorHandler((error, _request, reply) => {
    const refusal =
      error instanceof ProviderRefusal
        ? error.refusal
        : openAiRefusal(describe(error), { status: statusOf(error) });
    return reply.status(refusal.status).send(openAiErrorBody(refusal));
  });
  app.setNotFoundHandler((request, reply) => {
    const message = `Invalid URL (${request.method} ${request.url})`;
    return reply.status(404).send(openAiErrorBody(openAiRefusal(message)));
  });
}

/** Throws a 401 for a request without a bearer key. */
export function openAiAccount(request: FastifyRequest): string {
  const key = bearerKey(request);
  if (key !== undefined) return accountOf("openai", key);
  throw new ProviderRefusal(
    openAiRefusal("You didn't provide an API key. Send it in an Authorization header: Bearer YOUR_KEY.", {
      status: 401,
    }),
  );
}

function statusOf(error: unknown): number {
  const status = error instanceof Error && "statusCode" in error ? error.statusCode : 500;
  return typeof status === "number" ? status : 500;
}

function describe(error: unknown): string {
  if (statusOf(error) === 400) return "We could not parse the JSON body of your request.";
  return error instanceof Error ? error.message : "The server had an error.";
}
