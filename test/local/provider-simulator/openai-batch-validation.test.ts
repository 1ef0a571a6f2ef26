import type OpenAI from "openai";
import { expect, test } from "vitest";
import { chatLine, chatLines, createBatch, startBench, untilStatus } from "./simulator-fixture.ts";

const good = chatLine("good", "Hello.");

interface Case {
  readonly name: string;
  readonly lines: readonly unknown[];
  readonly problem: Partial<OpenAI.BatchError>;
  readonly endpoint?: OpenAI.BatchCreateParams["endpoint"];
}

const embeddingLine = (customId: string, inputs: number) => ({
  custom_id: customId,
  method: "POST",
  url: "/v1/embeddings",
  body: { model: "text-embedding-3-small", input: Array.from({ length: inputs }, () => "a") },
});

const cases: Case[] = [
  {
    name: "a line that is not JSON",
    lines: [good, '{"custom_id":'],
    problem: { code: "invalid_json_line", line: 2 },
  },
  {
    name: "a line without custom_id",
    lines: [{ ...good, custom_id: undefined }],
    problem: { code: "missing_required_parameter", line: 1, param: "custom_id" },
  },
  {
    name: "a line without a body",
    lines: [{ ...good, body: undefined }],
    problem: { code: "missing_required_parameter", line: 1, param: "body" },
  },
  {
    name: "a body without a model",
    lines: [chatLine("a", "Hi.", { model: undefined })],
    problem: { code: "missing_required_parameter", line: 1, param: "body.model" },
  },
  { name: "a custom_id used twice", lines: [good, good], problem: { code: "duplicate_custom_id", line: 2 } },
  {
    name: "two models",
    lines: [good, chatLine("b", "Hi.", { model: "gpt-4.1" })],
    problem: { code: "mismatched_model", line: 2, param: "body.model" },
  },
  {
    name: "a url that is not the batch's endpoint",
    lines: [{ ...good, url: "/v1/responses" }],
    problem: { code: "invalid_url", line: 1, param: "url" },
  },
  {
    name: "another method than POST",
    lines: [{ ...good, method: "GET" }],
    problem: { code: "invalid_method", line: 1, param: "method" },
  },
  {
    name: "an unknown model",
    lines: [chatLine("a", "Hi.", { model: "gpt-0" })],
    problem: { code: "model_not_found", line: 1, param: "body.model" },
  },
  { name: "an empty file", lines: ["\n"], problem: { code: "empty_file", line: null } },
  { name: "50,001 requests", lines: chatLines(50_001), problem: { code: "too_many_tasks", line: null } },
  {
    name: "50,001 embedding inputs",
    lines: [
      ...Array.from({ length: 25 }, (_, index) => embeddingLine(`e${index}`, 2000)),
      embeddingLine("last", 1),
    ],
    endpoint: "/v1/embeddings",
    problem: { code: "too_many_embedding_inputs", line: null },
  },
];

test.each(cases)("$name fails the batch after it was created", async ({ lines, problem, endpoint }) => {
  const { openai, simulator } = await startBench();
  const batch = await createBatch(openai, lines, endpoint ? { endpoint } : {});
  expect(batch.status).toBe("validating");
  const failed = await untilStatus(openai, batch.id, "failed");
  expect(failed.errors?.object).toBe("list");
  expect(failed.errors?.data?.[0]).toMatchObject(problem);
  expect(failed.errors?.data?.[0]?.message).not.toBe("");
  expect(failed.failed_at).toBeGreaterThanOrEqual(failed.created_at);
  expect(failed).toMatchObject({ output_file_id: null, error_file_id: null });
  expect(simulator.invoice().lines).toEqual([]);
});

test("every bad line is named", async () => {
  const { openai } = await startBench();
  const batch = await createBatch(openai, ["nonsense", good, "more nonsense"]);
  const failed = await untilStatus(openai, batch.id, "failed");
  expect(failed.errors?.data?.map((problem) => problem.line)).toEqual([1, 3]);
});

/** "user\n", 391 characters and "\n" are 397 characters, 100 tokens. */
function hundredTokens(customId: string, model: string) {
  return chatLine(customId, "x".repeat(391), { model });
}

test("prompt tokens of open batches count together against the model's limit", async () => {
  const { openai, simulator } = await startBench({ enqueuedTokenLimits: { "gpt-4.1-nano": 250 } });
  simulator.faults.add({ kind: "stuck-batch", status: "in_progress" });
  const first = await createBatch(openai, [
    hundredTokens("a", "gpt-4.1-nano"),
    hundredTokens("b", "gpt-4.1-nano"),
  ]);
  await untilStatus(openai, first.id, "in_progress");
  const second = await createBatch(openai, [hundredTokens("c", "gpt-4.1-nano")]);
  const failed = await untilStatus(openai, second.id, "failed");
  expect(failed.errors?.data).toMatchObject([{ code: "token_limit_exceeded", line: null }]);
  const otherModel = await createBatch(openai, [hundredTokens("d", "gpt-4.1-mini")]);
  await untilStatus(openai, otherModel.id, "completed");
  await openai.batches.cancel(first.id);
  await untilStatus(openai, first.id, "cancelled");
  const third = await createBatch(openai, [
    hundredTokens("e", "gpt-4.1-nano"),
    hundredTokens("f", "gpt-4.1-nano"),
  ]);
  await untilStatus(openai, third.id, "completed");
});
