import { expect, test } from "vitest";
import { startBench } from "./simulator-fixture.ts";

const content = "I lost my card on Monday. Please send 2 new cards to Berlin. Thank you.";

test("a message has its blocks, stop reason and usage", async () => {
  const { anthropic } = await startBench();
  const { data, response, request_id } = await anthropic.messages
    .create({
      model: "claude-haiku-4-5",
      max_tokens: 200,
      system: "Summarize.",
      messages: [{ role: "user", content }],
    })
    .withResponse();
  expect(data).toMatchObject({
    type: "message",
    role: "assistant",
    model: "claude-haiku-4-5-20251001",
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: {
      // "system\nSummarize.\n" and "user\n…\n", four characters to a token.
      input_tokens: Math.ceil((18 + content.length + 6) / 4),
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
      service_tier: "standard",
    },
  });
  expect(data.content[0]).toMatchObject({ type: "text" });
  expect(request_id).toMatch(/^req_/);
  expect(response.headers.get("anthropic-ratelimit-requests-remaining")).toBe("3999");
});

test("max_tokens and stop sequences end a message", async () => {
  const { anthropic } = await startBench();
  const ask = (params: { max_tokens: number; stop_sequences?: string[] }) =>
    anthropic.messages.create({ model: "claude-sonnet-5", messages: [{ role: "user", content }], ...params });
  expect(await ask({ max_tokens: 4 })).toMatchObject({
    stop_reason: "max_tokens",
    usage: { output_tokens: 4 },
  });
  expect(await ask({ max_tokens: 400, stop_sequences: ["Berlin"] })).toMatchObject({
    stop_reason: "stop_sequence",
    stop_sequence: "Berlin",
  });
});

test("a forced tool and an output schema get objects of their schema", async () => {
  const { anthropic } = await startBench();
  const schema = {
    type: "object" as const,
    properties: { city: { type: "string" }, cards: { type: "integer", minimum: 1, maximum: 3 } },
    required: ["city", "cards"],
  };
  const base = { model: "claude-opus-5-5", max_tokens: 400, messages: [{ role: "user" as const, content }] };
  const used = await anthropic.messages.create({
    ...base,
    tools: [{ name: "order", input_schema: schema }],
    tool_choice: { type: "tool", name: "order" },
  });
  expect(used.stop_reason).toBe("tool_use");
  expect(used.content[0]).toMatchObject({
    type: "tool_use",
    name: "order",
    input: { cards: expect.any(Number) },
  });
  const formatted = await anthropic.messages.create({
    ...base,
    output_config: { format: { type: "json_schema", schema } },
  });
  const block = formatted.content[0];
  const answer: unknown = JSON.parse(block?.type === "text" ? block.text : "");
  expect(answer).toMatchObject({ city: expect.any(String), cards: expect.any(Number) });
});

test("thinking is shown as a block and counted as output", async () => {
  const { anthropic } = await startBench();
  const message = await anthropic.messages.create({
    model: "claude-sonnet-5",
    max_tokens: 2000,
    thinking: { type: "enabled", budget_tokens: 1024 },
    messages: [{ role: "user", content }],
  });
  expect(message.content.map((block) => block.type)).toEqual(["thinking", "text"]);
  expect(message.usage.output_tokens_details?.thinking_tokens).toBeGreaterThan(0);
});

const messages = [{ role: "user", content }];
test.each([
  [
    "no max_tokens",
    { model: "claude-sonnet-5", messages },
    400,
    "invalid_request_error",
    "max_tokens: Field required",
  ],
  [
    "an unknown model",
    { model: "claude-0", max_tokens: 9, messages },
    404,
    "not_found_error",
    "model: claude-0",
  ],
  [
    "no messages",
    { model: "claude-sonnet-5", max_tokens: 9, messages: [] },
    400,
    "invalid_request_error",
    "messages: ",
  ],
  [
    "an unknown field",
    { model: "claude-sonnet-5", max_tokens: 9, messages, n: 2 },
    400,
    "invalid_request_error",
    "n: Extra",
  ],
  [
    "too much output",
    { model: "claude-haiku-4-5", max_tokens: 64_001, messages },
    400,
    "invalid_request_error",
    "max_tokens: 64001 >",
  ],
  [
    "an assistant first",
    { model: "claude-sonnet-5", max_tokens: 9, messages: [{ role: "assistant", content }] },
    400,
    "invalid_request_error",
    "messages: first",
  ],
])("%s is refused in Anthropic's shape", async (_name, body, status, type, message) => {
  const { anthropic } = await startBench();
  const call = anthropic.post("/v1/messages", { body });
  await expect(call).rejects.toMatchObject({
    status,
    error: {
      type: "error",
      error: { type, message: expect.stringContaining(message) },
      request_id: expect.any(String),
    },
  });
});

test("a key and a version are required; the key may come either way", async () => {
  const { simulator } = await startBench();
  const url = `${simulator.anthropicBaseUrl}/v1/messages/batches`;
  const statusFor = async (headers: Record<string, string>) => (await fetch(url, { headers })).status;
  expect(await statusFor({ "anthropic-version": "2023-06-01" })).toBe(401);
  expect(await statusFor({ "x-api-key": "key" })).toBe(400);
  expect(await statusFor({ "x-api-key": "key", "anthropic-version": "2023-06-01" })).toBe(200);
  expect(await statusFor({ authorization: "Bearer key", "anthropic-version": "2023-06-01" })).toBe(200);
});
