import { describe, expect, test } from "vitest";
import { readAnswer } from "../../../lambdas/domain/answer.ts";

const chat = {
  id: "chatcmpl-1",
  object: "chat.completion",
  model: "gpt-5-nano-2025-08-07",
  choices: [
    { index: 0, finish_reason: "stop", message: { role: "assistant", content: "Hi", refusal: null } },
  ],
  usage: {
    prompt_tokens: 1000,
    completion_tokens: 40,
    total_tokens: 1040,
    prompt_tokens_details: { cached_tokens: 600, cache_write_tokens: 100, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 30 },
  },
  something_new: { deep: true },
};

const response = {
  id: "resp_1",
  object: "response",
  model: "gpt-6-luna",
  status: "completed",
  output: [
    { type: "reasoning", summary: [] },
    { type: "message", content: [{ type: "output_text", text: "Hi" }] },
  ],
  usage: {
    input_tokens: 500,
    input_tokens_details: { cached_tokens: 128, cache_write_tokens: 256 },
    output_tokens: 20,
    output_tokens_details: { reasoning_tokens: 5 },
    total_tokens: 520,
  },
};

const message = {
  id: "msg_1",
  type: "message",
  model: "claude-haiku-4-5-20251001",
  stop_reason: "end_turn",
  usage: {
    input_tokens: 50,
    cache_read_input_tokens: 2000,
    cache_creation_input_tokens: 700,
    cache_creation: { ephemeral_5m_input_tokens: 300, ephemeral_1h_input_tokens: 400 },
    output_tokens: 70,
    output_tokens_details: { thinking_tokens: 12 },
  },
};

describe("usage", () => {
  test("OpenAI's prompt tokens are taken apart", () => {
    expect(readAnswer("/v1/chat/completions", chat)).toEqual({
      usage: {
        inputTokens: 300,
        cachedInputTokens: 600,
        cacheWrite5mTokens: 100,
        cacheWrite1hTokens: 0,
        outputTokens: 40,
        reasoningTokens: 30,
      },
      finish: "complete",
      response: chat,
      providerModel: "gpt-5-nano-2025-08-07",
    });
    expect(readAnswer("/v1/responses", response)?.usage).toEqual({
      inputTokens: 116,
      cachedInputTokens: 128,
      cacheWrite5mTokens: 256,
      cacheWrite1hTokens: 0,
      outputTokens: 20,
      reasoningTokens: 5,
    });
  });

  test("embeddings are input only", () => {
    const body = {
      object: "list",
      data: [],
      model: "text-embedding-3-small",
      usage: { prompt_tokens: 9, total_tokens: 9 },
    };
    expect(readAnswer("/v1/embeddings", body)?.usage).toMatchObject({ inputTokens: 9, outputTokens: 0 });
  });

  test("Anthropic's input tokens are already apart", () => {
    expect(readAnswer("/v1/messages", message)?.usage).toEqual({
      inputTokens: 50,
      cachedInputTokens: 2000,
      cacheWrite5mTokens: 300,
      cacheWrite1hTokens: 400,
      outputTokens: 70,
      reasoningTokens: 12,
    });
  });

  test("cache writes without a split are short ones; older answers have null for what they lack", () => {
    const usage = {
      input_tokens: 5,
      output_tokens: 6,
      cache_creation_input_tokens: 70,
      cache_creation: null,
      cache_read_input_tokens: null,
      output_tokens_details: null,
    };
    expect(readAnswer("/v1/messages", { ...message, usage })?.usage).toMatchObject({
      inputTokens: 5,
      cachedInputTokens: 0,
      cacheWrite5mTokens: 70,
      cacheWrite1hTokens: 0,
    });
    const plain = { ...chat, usage: { prompt_tokens: 7, completion_tokens: 8, total_tokens: 15 } };
    expect(readAnswer("/v1/chat/completions", plain)?.usage).toMatchObject({
      inputTokens: 7,
      outputTokens: 8,
    });
  });

  test.each([
    ["no usage", "/v1/chat/completions", { ...chat, usage: undefined }],
    ["usage of another shape", "/v1/messages", { ...message, usage: { input_tokens: "5" } }],
    ["negative tokens", "/v1/embeddings", { usage: { prompt_tokens: -1 } }],
    ["another endpoint's answer", "/v1/responses", chat],
    ["no object", "/v1/chat/completions", "<html>"],
  ] as const)("an answer with %s cannot be read", (_what, endpoint, body) => {
    expect(readAnswer(endpoint, body)).toBeUndefined();
  });
});

function finishOfChat(choice: object) {
  return readAnswer("/v1/chat/completions", { ...chat, choices: [...chat.choices, choice] })?.finish;
}

function finishOfResponse(changes: object) {
  return readAnswer("/v1/responses", { ...response, ...changes })?.finish;
}

describe("finish", () => {
  test("chat: the worst of the choices", () => {
    expect(finishOfChat({ finish_reason: "tool_calls", message: {} })).toBe("complete");
    expect(finishOfChat({ finish_reason: "length", message: {} })).toBe("truncated");
    expect(finishOfChat({ finish_reason: "content_filter" })).toBe("refused");
    expect(finishOfChat({ finish_reason: "stop", message: { refusal: "I cannot" } })).toBe("refused");
  });

  test("responses: status and refusal parts", () => {
    expect(finishOfResponse({})).toBe("complete");
    expect(
      finishOfResponse({ status: "incomplete", incomplete_details: { reason: "max_output_tokens" } }),
    ).toBe("truncated");
    expect(finishOfResponse({ status: "incomplete", incomplete_details: { reason: "content_filter" } })).toBe(
      "refused",
    );
    expect(
      finishOfResponse({ output: [{ type: "message", content: [{ type: "refusal", refusal: "no" }] }] }),
    ).toBe("refused");
  });

  test.each([
    ["end_turn", "complete"],
    ["tool_use", "complete"],
    ["max_tokens", "truncated"],
    ["model_context_window_exceeded", "truncated"],
    ["refusal", "refused"],
  ])("messages: %s is %s", (stop_reason, finish) => {
    expect(readAnswer("/v1/messages", { ...message, stop_reason })?.finish).toBe(finish);
  });
});
