import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readErrorBody, readOutputLine } from "../../../lambdas/domain/output-line.ts";

const chatBody = {
  object: "chat.completion",
  model: "gpt-5-nano",
  choices: [{ finish_reason: "stop", message: { content: "Hi" } }],
  usage: { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 },
};

function openAi(response: unknown, error: unknown) {
  return readOutputLine(
    "openai",
    JSON.stringify({ id: "batch_req_1", custom_id: "job-1", response, error, more: 1 }),
  );
}

function anthropic(result: unknown) {
  return readOutputLine("anthropic", JSON.stringify({ custom_id: "job-1", result }));
}

function refusal(status: number, error: object) {
  return openAi({ status_code: status, request_id: "r", body: { error } }, null);
}

function failureOf(line: ReturnType<typeof readOutputLine>) {
  return line.kind === "failed" ? line.failure : undefined;
}

function errored(error: object) {
  return anthropic({ type: "errored", error: { type: "error", error, request_id: null } });
}

describe("OpenAI", () => {
  test("an answer is known by its object", () => {
    expect(openAi({ status_code: 200, body: chatBody }, null)).toMatchObject({
      kind: "answered",
      customId: "job-1",
      answer: { usage: { inputTokens: 10, outputTokens: 2 }, response: chatBody },
    });
    const embedding = { object: "list", model: "m", data: [], usage: { prompt_tokens: 3, total_tokens: 3 } };
    expect(openAi({ status_code: 200, body: embedding }, null)).toMatchObject({
      kind: "answered",
      answer: { usage: { inputTokens: 3 } },
    });
  });

  test("a 4xx inside the response is the request's fault, though error is null", () => {
    const error = {
      message: "Unsupported value",
      type: "invalid_request_error",
      param: "temperature",
      code: "unsupported_value",
    };
    expect(refusal(400, error)).toEqual({
      kind: "failed",
      customId: "job-1",
      failure: {
        code: "unsupported_value",
        message: "Unsupported value",
        statusCode: 400,
        seen: "request-refused",
      },
    });
  });

  test.each([
    [408, {}, "busy"],
    [409, {}, "busy"],
    [429, { code: "rate_limit_exceeded" }, "busy"],
    [429, { code: "insufficient_quota" }, "no-credit"],
    [500, { type: "server_error" }, "server-error"],
    [401, { code: "invalid_api_key" }, "key-refused"],
    [403, {}, "key-refused"],
    [400, { code: "billing_hard_limit_reached" }, "no-credit"],
    [404, { code: "model_not_found" }, "request-refused"],
    [422, {}, "request-refused"],
  ])("status %i with %j is %s", (status, error, seen) => {
    expect(failureOf(refusal(status, error))).toMatchObject({ statusCode: status, seen });
  });

  test.each([
    ["batch_expired", "expired-line"],
    ["batch_cancelled", "cancelled-line"],
    ["insufficient_quota", "no-credit"],
    ["request_timeout", "server-error"],
  ])("an error file's %s is %s", (code, seen) => {
    expect(failureOf(openAi(null, { code, message: "gone" }))).toEqual({
      code,
      message: "gone",
      statusCode: null,
      seen,
    });
  });

  test("a response that failed inside the provider has an error and no usage", () => {
    const body = {
      object: "response",
      status: "failed",
      error: { code: "server_error", message: "sorry" },
      usage: null,
    };
    expect(failureOf(openAi({ status_code: 200, body }, null))).toMatchObject({
      code: "server_error",
      seen: "server-error",
    });
  });

  test.each([
    ["neither answer nor error", null, null, "silent-line"],
    [
      "an answer without usage",
      { status_code: 200, body: { ...chatBody, usage: undefined } },
      null,
      "unreadable-answer",
    ],
    [
      "an answer of an unknown kind",
      { status_code: 200, body: { object: "novel" } },
      null,
      "unreadable-answer",
    ],
    ["fields of other types", { status_code: "200" }, 7, "silent-line"],
  ])("%s leaves the cause unknown", (_what, response, error, seen) => {
    expect(openAi(response, error)).toMatchObject({
      kind: "failed",
      customId: "job-1",
      failure: { seen },
    });
  });
});

describe("Anthropic", () => {
  const message = {
    type: "message",
    model: "claude-haiku-4-5",
    stop_reason: "end_turn",
    usage: { input_tokens: 4, output_tokens: 5 },
  };

  test("a success carries the message", () => {
    expect(anthropic({ type: "succeeded", message })).toMatchObject({
      kind: "answered",
      answer: { usage: { inputTokens: 4, outputTokens: 5 }, response: message },
    });
  });

  test.each([
    ["invalid_request_error", "max_tokens: too large", "request-refused"],
    ["not_found_error", "model: x", "request-refused"],
    ["invalid_request_error", "Your credit balance is too low to access the API", "no-credit"],
    ["billing_error", "pay first", "no-credit"],
    ["overloaded_error", "Overloaded", "busy"],
    ["rate_limit_error", "slow down", "busy"],
    ["api_error", "Internal server error", "server-error"],
    ["authentication_error", "invalid x-api-key", "key-refused"],
  ])("an error of type %s (%s) is %s", (type, text, seen) => {
    expect(failureOf(errored({ type, message: text }))).toEqual({
      code: type,
      message: text,
      statusCode: null,
      seen,
    });
  });

  test("what the batch did not get to says so", () => {
    expect(failureOf(anthropic({ type: "expired" }))).toMatchObject({
      code: "expired",
      seen: "expired-line",
    });
    expect(failureOf(anthropic({ type: "canceled" }))).toMatchObject({
      code: "canceled",
      seen: "cancelled-line",
    });
  });

  test("a kind of result that we do not know leaves the cause unknown", () => {
    expect(anthropic({ type: "teleported" })).toMatchObject({
      kind: "failed",
      failure: { seen: "silent-line" },
    });
  });
});

test.each(["openai", "anthropic"] as const)(
  "%s: what is no line of a result is unparseable, and nothing throws",
  (provider) => {
    for (const text of ["", "null", "7", "[]", "{", '{"custom_id":5}', '{"response":{}}', "\ufffd"]) {
      expect(readOutputLine(provider, text)).toEqual({ kind: "unparseable" });
    }
    fc.assert(
      fc.property(fc.string(), fc.json(), (text, json) => {
        readOutputLine(provider, text);
        const line = readOutputLine(
          provider,
          `{"custom_id":"job-1","response":${json},"error":${json},"result":${json}}`,
        );
        expect(line).toMatchObject({ kind: "failed", customId: "job-1" });
      }),
    );
  },
);

test("a provider's message is cut at 500 characters, never inside one", () => {
  const { message } = readErrorBody("openai", 400, { error: { message: "x".repeat(498) + "😀".repeat(9) } });
  expect(message).toHaveLength(500);
  expect(message.isWellFormed()).toBe(true);
  expect(readErrorBody("openai", 502, "<html>")).toMatchObject({ code: "http_502", seen: "server-error" });
});
