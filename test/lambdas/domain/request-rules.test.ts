import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkRequest } from "../../../lambdas/domain/request-rules.ts";
import type { Endpoint } from "../../../lambdas/domain/vocabulary.ts";
import { bodiesOf, FORBIDDEN } from "./request-bodies.ts";

const ENDPOINTS = ["/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/messages"] as const;

function check(endpoint: Endpoint, body: Record<string, unknown>) {
  return checkRequest({ provider: endpoint === "/v1/messages" ? "anthropic" : "openai", endpoint, body });
}

const chat = { model: "gpt-5-nano", messages: [{ role: "user", content: "Hi" }] };
const responses = { model: "gpt-6-luna", input: "Hi" };
const embeddings = { model: "text-embedding-3-small", input: "Hi" };
const messages = { model: "claude-haiku-4-5", max_tokens: 100, messages: [{ role: "user", content: "Hi" }] };
const MINIMAL = {
  "/v1/chat/completions": chat,
  "/v1/responses": responses,
  "/v1/embeddings": embeddings,
  "/v1/messages": messages,
};

describe.each(ENDPOINTS)("%s", (endpoint) => {
  test("what is accepted is accepted again, unchanged", () => {
    fc.assert(
      fc.property(bodiesOf(endpoint), (body) => {
        const first = check(endpoint, body);
        expect(first).toMatchObject({ kind: "accepted", model: body["model"] });
        if (first.kind === "accepted") expect(check(endpoint, first.body)).toEqual(first);
      }),
    );
  });

  test("whatever is forbidden is refused wherever it stands", () => {
    fc.assert(
      fc.property(bodiesOf(endpoint), fc.constantFrom(...FORBIDDEN[endpoint]), (body, { code, into }) => {
        expect(check(endpoint, into(body))).toMatchObject({ kind: "refused", code });
      }),
    );
  });

  test("a field that nobody knows is refused by name", () => {
    expect(check(endpoint, { ...MINIMAL[endpoint], surprise: 1 })).toEqual({
      kind: "refused",
      code: "unsupported_field",
      message: "surprise: is not a field that is accepted here",
    });
  });

  test("a body without its model is invalid", () => {
    const { model: _, ...body } = MINIMAL[endpoint];
    expect(check(endpoint, body)).toMatchObject({ kind: "refused", code: "invalid_request" });
  });
});

describe("what is sent", () => {
  test("storing is switched off, whatever the body says, and what changes nothing is left out", () => {
    const extras = { store: true, stream: false, stream_options: null, service_tier: "auto" };
    expect(check("/v1/chat/completions", { ...chat, ...extras, metadata: { a: "b" } })).toMatchObject({
      body: { ...chat, store: false },
    });
    const accepted = check("/v1/responses", {
      ...responses,
      ...extras,
      background: false,
      previous_response_id: null,
    });
    expect(accepted.kind === "accepted" && accepted.body).toEqual({ ...responses, store: false });
    const message = check("/v1/messages", {
      ...messages,
      stream: false,
      service_tier: "standard_only",
      speed: "standard",
    });
    expect(message.kind === "accepted" && message.body).toEqual(messages);
  });

  test("names that a tenant puts in go on as they are; none is added", () => {
    const named = { user: "u-1", safety_identifier: "s-1", prompt_cache_key: "k" };
    const accepted = check("/v1/chat/completions", { ...chat, ...named });
    expect(accepted.kind === "accepted" && accepted.body).toEqual({ ...chat, ...named, store: false });
  });

  test("nested values stay as they were written, in their order", () => {
    const schema = {
      type: "object",
      properties: { file_id: { type: "string" }, a: {} },
      required: ["file_id"],
    };
    const tools = [{ function: { parameters: schema, name: "find" }, type: "function" }];
    const accepted = check("/v1/chat/completions", { ...chat, tools });
    expect(accepted.kind === "accepted" && JSON.stringify(accepted.body["tools"])).toBe(
      JSON.stringify(tools),
    );
  });
});

describe("limits", () => {
  test.each([
    ["/v1/chat/completions", { ...chat, max_tokens: 50 }, 50],
    ["/v1/chat/completions", { ...chat, max_completion_tokens: 70, n: 3 }, 210],
    ["/v1/responses", { ...responses, max_output_tokens: 90 }, 90],
    ["/v1/messages", messages, 100],
    ["/v1/chat/completions", chat, null],
  ] as const)("%s: the output limit over all choices", (endpoint, body, maxOutputTokens) => {
    expect(check(endpoint, body)).toMatchObject({ kind: "accepted", maxOutputTokens });
  });

  test.each([
    ["one text", "Hi", 1],
    ["several texts", ["a", "b", "c"], 3],
    ["one text as tokens", [1, 2, 3], 1],
    ["two texts as tokens", [[1], [2, 3]], 2],
    ["as many texts as one request may have", Array.from({ length: 2048 }, () => "x"), 2048],
  ])("embeddings: %s", (_what, input, inputs) => {
    expect(check("/v1/embeddings", { ...embeddings, input })).toMatchObject({ kind: "accepted", inputs });
  });

  test.each([
    ["no text", []],
    ["an empty text", ["a", ""]],
    ["an empty string", ""],
    ["too many texts", Array.from({ length: 2049 }, () => "x")],
    ["texts and tokens mixed", ["a", 1]],
  ])("embeddings refuse %s", (_what, input) => {
    expect(check("/v1/embeddings", { ...embeddings, input })).toMatchObject({ code: "invalid_request" });
  });

  test("Anthropic needs max_tokens", () => {
    const { max_tokens: _, ...body } = messages;
    expect(check("/v1/messages", body)).toMatchObject({
      code: "invalid_request",
      message: expect.stringMatching(/^max_tokens: /),
    });
  });
});

test("a refusal says where and why", () => {
  const body = {
    ...chat,
    messages: [chat.messages[0], { role: "user", content: [{ type: "file", file: { file_id: "file-1" } }] }],
  };
  expect(check("/v1/chat/completions", body)).toEqual({
    kind: "refused",
    code: "stored_reference",
    message:
      "messages[1].content[0].file.file_id: refers to something stored at the provider, which is shared by all tenants",
  });
});
