import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { anthropicDirectProvider } from "../../../../lambdas/adapters/providers/anthropic-direct-provider.ts";
import { openAiDirectProvider } from "../../../../lambdas/adapters/providers/openai-direct-provider.ts";
import { anthropicClient, openAiClient } from "../../../../lambdas/adapters/providers/provider-clients.ts";
import { anthropicAllowance, openAiAllowance } from "../../../../lambdas/adapters/providers/rate-headers.ts";
import { readAnswer } from "../../../../lambdas/domain/answer.ts";
import { LostAnswerError, NotSentError } from "../../../../lambdas/domain/failures.ts";
import { readErrorBody } from "../../../../lambdas/domain/output-line.ts";
import type { DirectProvider } from "../../../../lambdas/ports.ts";
import type { Fault } from "../../../../local/provider-simulator/faults.ts";
import { startProviderSimulator } from "../../../../local/provider-simulator/start-provider-simulator.ts";
import { startStub } from "./stub-server.ts";

const messages = [{ role: "user", content: "Is the order 4711 confirmed?" }];
const CALLS = [
  {
    endpoint: "/v1/chat/completions",
    operation: "openai.chat.completions",
    body: { model: "gpt-4.1-nano", messages },
  },
  {
    endpoint: "/v1/responses",
    operation: "openai.responses",
    body: { model: "gpt-5-nano", input: "Hello", store: false },
  },
  {
    endpoint: "/v1/embeddings",
    operation: "openai.embeddings",
    body: { model: "text-embedding-3-small", input: "Hello" },
  },
  {
    endpoint: "/v1/messages",
    operation: "anthropic.messages",
    body: { model: "claude-haiku-4-5", max_tokens: 50, messages },
  },
] as const;

type Addresses = { readonly openaiBaseUrl: string; readonly anthropicBaseUrl: string };

function connect(endpoint: string, { openaiBaseUrl, anthropicBaseUrl }: Addresses): DirectProvider {
  return endpoint === "/v1/messages"
    ? anthropicDirectProvider({ client: anthropicClient({ apiKey: "key", baseUrl: anthropicBaseUrl }) })
    : openAiDirectProvider({ client: openAiClient({ apiKey: "key", baseUrl: openaiBaseUrl }) });
}

async function simulated(endpoint: string, ...faults: Fault[]) {
  const simulator = await startProviderSimulator();
  onTestFinished(() => simulator.close());
  for (const fault of faults) simulator.faults.add(fault);
  return { simulator, provider: connect(endpoint, simulator) };
}

const unhurried = () => new AbortController().signal;

describe.each(CALLS)("$endpoint", ({ endpoint, operation, body }) => {
  test("an answer comes whole and says what it used", async () => {
    const { provider } = await simulated(endpoint);
    const answer = await provider.call(endpoint, body, unhurried());
    expect(answer).toMatchObject({ statusCode: 200, retryAfterMs: null });
    expect(readAnswer(endpoint, answer.body)?.usage.inputTokens).toBeGreaterThan(0);
  });

  test("the body is sent as it is, once, to the provider's path; OpenAI's tier is named where it sets the price", async () => {
    const { origin, received } = await startStub({ status: 500, body: "{}" });
    const provider = connect(endpoint, { openaiBaseUrl: `${origin}/v1`, anthropicBaseUrl: origin });
    await provider.call(endpoint, body, unhurried());
    const tiered = endpoint === "/v1/chat/completions" || endpoint === "/v1/responses";
    const sent = tiered ? { ...body, service_tier: "default" } : body;
    expect(received).toMatchObject([{ method: "POST", url: endpoint, body: JSON.stringify(sent) }]);
  });

  test("what is left of the rate limit comes with the answer, and with a refusal", async () => {
    const { provider } = await simulated(endpoint);
    const { allowance } = await provider.call(endpoint, body, unhurried());
    const refused = await provider.call(endpoint, { ...body, nonsense: true }, unhurried());
    expect(allowance?.limit).toBeGreaterThan(1000);
    expect(allowance?.requests).toBe((allowance?.limit ?? 0) - 1);
    expect(allowance?.resetMs).toBeGreaterThan(0);
    expect(allowance?.resetMs).toBeLessThanOrEqual(61_000);
    expect(refused.allowance?.requests).toBe((allowance?.limit ?? 0) - 2);
  });

  test("an error status is an answer, with its wait and the provider's body", async () => {
    const fault = { kind: "http-error", operation, status: 429, retryAfterSeconds: 7 } as const;
    const { provider, simulator } = await simulated(endpoint, fault);
    const answer = await provider.call(endpoint, body, unhurried());
    expect(answer).toMatchObject({ statusCode: 429, retryAfterMs: 7000 });
    expect(readErrorBody(provider.provider, 429, answer.body)).toMatchObject({
      code: expect.not.stringMatching(/^http_/),
      seen: "busy",
    });
    expect(simulator.faults.list()).toEqual([]);
  });

  test("a refusal of the request is an answer too", async () => {
    const { provider } = await simulated(endpoint);
    const answer = await provider.call(endpoint, { ...body, nonsense: true }, unhurried());
    expect(answer).toMatchObject({ statusCode: 400, retryAfterMs: null });
    expect(readErrorBody(provider.provider, 400, answer.body)).toMatchObject({ seen: "request-refused" });
  });

  test("a lost answer is never asked for again", async () => {
    const { provider, simulator } = await simulated(endpoint, { kind: "lost-answer", operation, times: 2 });
    await expect(provider.call(endpoint, body, unhurried())).rejects.toBeInstanceOf(LostAnswerError);
    expect(simulator.faults.list()).toHaveLength(1);
  });

  test("an aborted call is a lost answer", async () => {
    const { provider } = await simulated(endpoint);
    await expect(provider.call(endpoint, body, AbortSignal.abort())).rejects.toBeInstanceOf(LostAnswerError);
  });

  test("a call that cannot be sent did not run: nobody there, or no key to send it with", async () => {
    // A port that was free a moment ago, with nobody on it.
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.close();
    await once(server, "close");
    const nobody = connect(endpoint, { openaiBaseUrl: `${origin}/v1`, anthropicBaseUrl: origin });
    await expect(nobody.call(endpoint, body, unhurried())).rejects.toBeInstanceOf(NotSentError);
    const apiKey = () => Promise.reject(new Error("no such secret"));
    const keyless =
      endpoint === "/v1/messages"
        ? anthropicDirectProvider({ client: anthropicClient({ apiKey, baseUrl: origin }) })
        : openAiDirectProvider({ client: openAiClient({ apiKey, baseUrl: `${origin}/v1` }) });
    await expect(keyless.call(endpoint, body, unhurried())).rejects.toBeInstanceOf(NotSentError);
  });

  test.each(["<html>", '{"cut":'])("an answer that is no JSON (%s) is a lost answer", async (text) => {
    const { origin } = await startStub({ status: 200, body: text });
    const provider = connect(endpoint, { openaiBaseUrl: `${origin}/v1`, anthropicBaseUrl: origin });
    await expect(provider.call(endpoint, body, unhurried())).rejects.toBeInstanceOf(LostAnswerError);
  });
});

describe("the flex lane", () => {
  test.each(CALLS)("is asked for where the endpoint has it: $endpoint", async ({ endpoint, body }) => {
    const { origin, received } = await startStub({ status: 500, body: "{}" });
    const provider = connect(endpoint, { openaiBaseUrl: `${origin}/v1`, anthropicBaseUrl: origin });
    await provider.call(endpoint, body, unhurried(), "flex");
    const tiered = endpoint === "/v1/chat/completions" || endpoint === "/v1/responses";
    const sent = tiered ? { ...body, service_tier: "flex" } : body;
    expect(received).toMatchObject([{ body: JSON.stringify(sent) }]);
  });

  test("an answer without capacity is a refusal that may pass, and costs nothing", async () => {
    const simulator = await startProviderSimulator({ flexRefusedShare: 1 });
    onTestFinished(() => simulator.close());
    const provider = connect("/v1/responses", simulator);
    const body = { model: "gpt-5-nano", input: "Hello" };
    const answer = await provider.call("/v1/responses", body, unhurried(), "flex");
    expect(answer.statusCode).toBe(429);
    expect(readErrorBody("openai", 429, answer.body)).toMatchObject({
      code: "resource_unavailable",
      seen: "busy",
    });
    expect(simulator.invoice().lines).toEqual([]);
  });
});

test.each([
  ["20ms", 20],
  ["1.5s", 1500],
  ["6m0s", 360_000],
  ["1h0m1s", 3_601_000],
  ["soon", undefined],
  ["", undefined],
])("OpenAI's reset after %s is read as %s ms", (text, resetMs) => {
  const headers = new Headers({ "x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": text });
  expect(openAiAllowance(headers)?.resetMs).toBe(resetMs);
});

test("Anthropic's reset counts from the answer's own date, and is nothing without one", () => {
  const told = {
    "anthropic-ratelimit-requests-remaining": "0",
    "anthropic-ratelimit-requests-reset": "2026-11-21T12:00:20Z",
  };
  const date = "Sat, 21 Nov 2026 12:00:05 GMT";
  expect(anthropicAllowance(new Headers({ ...told, date }))).toEqual({ requests: 0, resetMs: 15_000 });
  expect(anthropicAllowance(new Headers(told))).toBeUndefined();
});
