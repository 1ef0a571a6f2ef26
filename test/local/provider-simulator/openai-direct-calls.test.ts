import { Buffer } from "node:buffer";
import { describe, expect, test } from "vitest";
import { costOf } from "../../../local/provider-simulator/invoice.ts";
import { startBench } from "./simulator-fixture.ts";

const conversation = `customer: I need a rental car in Atlanta on March 10th.
agent: There is a Chevrolet Cruze at Hartsfield-Jackson Airport for $34.
customer: Fine, book it.`;

test("a chat completion has what the SDK's types promise, and the conversation's own sentences", async () => {
  const { openai } = await startBench();
  const { data, response, request_id } = await openai.chat.completions
    .create({
      model: "gpt-4o-mini",
      messages: [
        { role: "system", content: "Summarize the call." },
        { role: "user", content: conversation },
      ],
    })
    .withResponse();
  expect(data).toMatchObject({
    object: "chat.completion",
    model: "gpt-4o-mini-2024-07-18",
    choices: [
      { index: 0, finish_reason: "stop", logprobs: null, message: { role: "assistant", refusal: null } },
    ],
    usage: {
      prompt_tokens_details: { cached_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 0 },
    },
  });
  expect(data.id).toMatch(/^chatcmpl-/);
  expect(data.choices[0]?.message.content).toContain("$34");
  // "system\nSummarize the call.\n" and "user\n…\n", four characters to a token.
  expect(data.usage?.prompt_tokens).toBe(Math.ceil((27 + conversation.length + 6) / 4));
  expect(request_id).toMatch(/^req_/);
  expect(Number(response.headers.get("x-ratelimit-remaining-requests"))).toBe(9999);
});

test("the same request always gets the same answer", async () => {
  const { openai } = await startBench();
  const ask = () => openai.responses.create({ model: "gpt-4.1", input: conversation });
  expect((await ask()).output_text).toBe((await ask()).output_text);
});

test("a response has its message item, text and usage", async () => {
  const { openai } = await startBench();
  const response = await openai.responses.create({
    model: "gpt-5-nano",
    instructions: "Classify the call into one of: car rental, hotel booking, flight change.",
    input: [{ role: "user", content: [{ type: "input_text", text: conversation }] }],
    reasoning: { effort: "low" },
  });
  expect(response).toMatchObject({
    object: "response",
    status: "completed",
    error: null,
    incomplete_details: null,
  });
  expect(response.output.map((item) => item.type)).toEqual(["reasoning", "message"]);
  expect(response.output_text).toBe("car rental");
  expect(response.usage?.input_tokens_details.cached_tokens).toBe(0);
  expect(response.usage?.output_tokens_details.reasoning_tokens).toBeGreaterThanOrEqual(64);
  expect(response.usage?.output_tokens).toBe(
    (response.usage?.output_tokens_details.reasoning_tokens ?? 0) + 3,
  );
});

test("a JSON schema is satisfied in both text endpoints", async () => {
  const { openai } = await startBench();
  const schema = {
    type: "object",
    properties: {
      summary: { type: "string" },
      sentiment: { type: "string", enum: ["positive", "neutral", "negative"] },
      price: { type: ["number", "null"] },
    },
    required: ["summary", "sentiment", "price"],
    additionalProperties: false,
  };
  const chat = await openai.chat.completions.create({
    model: "gpt-4.1-mini",
    messages: [{ role: "user", content: conversation }],
    response_format: { type: "json_schema", json_schema: { name: "call", schema, strict: true } },
  });
  const response = await openai.responses.create({
    model: "gpt-4.1-mini",
    input: conversation,
    text: { format: { type: "json_schema", name: "call", schema, strict: true } },
  });
  for (const text of [chat.choices[0]?.message.content ?? "", response.output_text]) {
    const answer = JSON.parse(text) as Record<string, unknown>;
    expect(Object.keys(answer).toSorted()).toEqual(["price", "sentiment", "summary"]);
    expect(["positive", "neutral", "negative"]).toContain(answer["sentiment"]);
    expect(answer["summary"]).toContain("Atlanta");
  }
});

test("an answer longer than the limit is cut there", async () => {
  const { openai } = await startBench();
  const chat = await openai.chat.completions.create({
    model: "gpt-4.1-nano",
    messages: [{ role: "user", content: conversation }],
    max_tokens: 5,
  });
  expect(chat.choices[0]?.finish_reason).toBe("length");
  expect(chat.choices[0]?.message.content).toHaveLength(20);
  expect(chat.usage?.completion_tokens).toBe(5);
  const response = await openai.responses.create({
    model: "gpt-4.1",
    input: conversation,
    max_output_tokens: 16,
  });
  expect(response).toMatchObject({
    status: "incomplete",
    incomplete_details: { reason: "max_output_tokens" },
  });
});

test("embeddings are unit vectors of the right length, the same as floats and as base64", async () => {
  const { openai } = await startBench();
  const input = ["When will my card arrive?", "Has my card arrived? When will it?", "The weather in Paris"];
  const decoded = await openai.embeddings.create({ model: "text-embedding-3-small", input });
  const floats = await openai.embeddings.create({
    model: "text-embedding-3-small",
    input,
    encoding_format: "float",
  });
  expect(decoded.data.map((item) => item.index)).toEqual([0, 1, 2]);
  for (const [index, item] of decoded.data.entries()) {
    expect(item.embedding).toHaveLength(1536);
    expect(dot(item.embedding, item.embedding)).toBeCloseTo(1, 5);
    expect(dot(item.embedding, floats.data[index]?.embedding ?? [])).toBeCloseTo(1, 5);
  }
  const [card, sameCard, weather] = decoded.data.map((item) => item.embedding);
  expect(dot(card ?? [], sameCard ?? [])).toBeGreaterThan(dot(card ?? [], weather ?? []) + 0.1);
  // 25, 34 and 20 characters.
  expect(decoded.usage).toEqual({ prompt_tokens: 7 + 9 + 5, total_tokens: 21 });
});

function dot(left: readonly number[], right: readonly number[]): number {
  return left.reduce((sum, value, index) => sum + value * (right[index] ?? 0), 0);
}

test("dimensions shorten an embedding, and token arrays count as they are", async () => {
  const { openai } = await startBench();
  const large = await openai.embeddings.create({ model: "text-embedding-3-large", input: [[1, 2, 3]] });
  expect(large.data[0]?.embedding).toHaveLength(3072);
  expect(large.usage.prompt_tokens).toBe(3);
  const short = await openai.embeddings.create({
    model: "text-embedding-3-large",
    input: "a",
    dimensions: 256,
  });
  expect(short.data[0]?.embedding).toHaveLength(256);
});

test("a forced tool is called with arguments of its schema", async () => {
  const { openai } = await startBench();
  const chat = await openai.chat.completions.create({
    model: "gpt-4.1",
    messages: [{ role: "user", content: conversation }],
    tools: [
      {
        type: "function",
        function: {
          name: "log_call",
          parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
        },
      },
    ],
    tool_choice: { type: "function", function: { name: "log_call" } },
  });
  expect(chat.choices[0]?.finish_reason).toBe("tool_calls");
  const call = chat.choices[0]?.message.tool_calls?.[0];
  expect(call).toMatchObject({ type: "function", function: { name: "log_call" } });
  expect(Buffer.from(JSON.stringify(call)).toString()).toContain("city");
});

const messages = [{ role: "user", content: "Hello." }];
test.each([
  ["an unknown model", "/chat/completions", { model: "gpt-0", messages }, 404, "model_not_found"],
  ["no messages", "/chat/completions", { model: "gpt-4.1" }, 400, "missing_required_parameter"],
  ["no input", "/responses", { model: "gpt-4.1" }, 400, "missing_required_parameter"],
  [
    "a parameter nobody knows",
    "/responses",
    { model: "gpt-4.1", input: "a", n: 2 },
    400,
    "unknown_parameter",
  ],
  [
    "max_tokens for gpt-5",
    "/chat/completions",
    { model: "gpt-5", messages, max_tokens: 9 },
    400,
    "unsupported_parameter",
  ],
  [
    "a temperature for gpt-5",
    "/chat/completions",
    { model: "gpt-5", messages, temperature: 0 },
    400,
    "unsupported_value",
  ],
  ["flex for gpt-4o", "/chat/completions", { model: "gpt-4o", messages, service_tier: "flex" }, 400, null],
  [
    "an earlier response",
    "/responses",
    { model: "gpt-5", input: "a", previous_response_id: "resp_1" },
    400,
    "previous_response_not_found",
  ],
  [
    "too much output",
    "/chat/completions",
    { model: "gpt-4o", messages, max_tokens: 99_999 },
    400,
    "invalid_value",
  ],
  [
    "a text longer than an embedding takes",
    "/embeddings",
    { model: "text-embedding-3-small", input: "x".repeat(32_772) },
    400,
    null,
  ],
  [
    "too many dimensions",
    "/embeddings",
    { model: "text-embedding-3-small", input: "a", dimensions: 1537 },
    400,
    null,
  ],
  [
    "a chat with an embedding model",
    "/chat/completions",
    { model: "text-embedding-3-small", messages },
    404,
    null,
  ],
])("%s is refused", async (_name, path, body, status, code) => {
  const { openai, simulator } = await startBench();
  await expect(openai.post(path, { body })).rejects.toMatchObject({
    status,
    code,
    type: "invalid_request_error",
  });
  expect(simulator.invoice().lines).toEqual([]);
});

test("a body that is not JSON gets OpenAI's error shape", async () => {
  const { simulator } = await startBench();
  const response = await fetch(`${simulator.openaiBaseUrl}/chat/completions`, {
    method: "POST",
    body: "{",
    headers: { authorization: "Bearer sk-test", "content-type": "application/json" },
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { type: "invalid_request_error", param: null } });
});

describe("flex", () => {
  const flex = (content: string) => ({
    model: "gpt-5-nano",
    messages: [{ role: "user" as const, content }],
    service_tier: "flex" as const,
  });

  test("answers as the standard tier does, later and at the price of a batch", async () => {
    const { openai, simulator } = await startBench({ flexRefusedShare: 0, flexSeconds: [0.2, 0.3] });
    const before = Date.now();
    const chat = await openai.chat.completions.create(flex("Hello."));
    expect(Date.now() - before).toBeGreaterThanOrEqual(190);
    expect(chat.service_tier).toBe("flex");
    const [line] = simulator.invoice().lines;
    expect(line).toMatchObject({ service: "flex", batchId: null });
    expect(BigInt(line!.picoUsd)).toBe(costOf("gpt-5-nano", "batch", line!.usage));
  });

  test("refuses its share for want of capacity, by the seed, and bills nothing for it", async () => {
    const { openai, simulator } = await startBench({ flexRefusedShare: 0.3, flexSeconds: [0, 0] });
    const calls = Array.from({ length: 200 }, (_, number) =>
      openai.chat.completions.create(flex(`Hello ${number}.`)),
    );
    const outcomes = await Promise.allSettled(calls);
    const refused = outcomes.filter(({ status }) => status === "rejected");
    expect(refused.length).toBeGreaterThan(40);
    expect(refused.length).toBeLessThan(80);
    expect(refused[0]).toMatchObject({ reason: { status: 429, code: "resource_unavailable" } });
    expect(simulator.invoice().lines).toHaveLength(outcomes.length - refused.length);
  });
});
