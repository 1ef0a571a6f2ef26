import { Buffer } from "node:buffer";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI, { toFile } from "openai";
import { expect, onTestFinished, test } from "vitest";
import { startProviderSimulatorThread } from "../../../local/provider-simulator/start-provider-simulator-thread.ts";
import { chatLine, customIds, readLines, toJsonl, untilStatus } from "./simulator-fixture.ts";

test("5,000 lines run in the simulator's own thread, each billed once", { timeout: 60_000 }, async () => {
  const simulator = await startProviderSimulatorThread({ batchSeconds: 0 });
  onTestFinished(() => simulator.close());
  const openai = new OpenAI({ apiKey: "sk-test", baseURL: simulator.openaiBaseUrl, maxRetries: 0 });
  const filler = "The customer asked about order 17 and was told that it ships on Friday. ".repeat(28);
  const lines = Array.from({ length: 5000 }, (_, index) =>
    chatLine(`job-${index}`, `Call ${index}. ${filler}`),
  );
  const file = await openai.files.create({
    file: await toFile(Buffer.from(toJsonl(lines)), "in.jsonl"),
    purpose: "batch",
  });
  const batch = await openai.batches.create({
    input_file_id: file.id,
    endpoint: "/v1/chat/completions",
    completion_window: "24h",
  });
  const done = await untilStatus(openai, batch.id, "completed");
  expect(done.request_counts).toEqual({ total: 5000, completed: 5000, failed: 0 });
  const output = await readLines(openai, done.output_file_id);
  expect(new Set(customIds(output)).size).toBe(5000);
  const invoice = await simulator.invoice();
  expect(new Set(invoice.lines.map((line) => line.customId)).size).toBe(5000);
  expect(invoice.lines).toHaveLength(5000);
  const input = invoice.lines.reduce((sum, line) => sum + line.usage.inputTokens, 0);
  const outputTokens = invoice.lines.reduce((sum, line) => sum + line.usage.outputTokens, 0);
  // gpt-4.1-nano in a batch: $0.05 and $0.20 per million tokens.
  expect(invoice.totalPicoUsd).toBe((BigInt(input) * 50_000n + BigInt(outputTokens) * 200_000n).toString());
  expect(done.usage).toMatchObject({ input_tokens: input, output_tokens: outputTokens });
});

test("the thread has the same surface, faults included", async () => {
  const simulator = await startProviderSimulatorThread();
  onTestFinished(() => simulator.close());
  const anthropic = new Anthropic({ apiKey: "key", baseURL: simulator.anthropicBaseUrl, maxRetries: 0 });
  await simulator.faults.add({ kind: "http-error", operation: "anthropic.batches.list", status: 500 });
  expect(await simulator.faults.list()).toHaveLength(1);
  await expect(anthropic.messages.batches.list()).rejects.toMatchObject({ status: 500, type: "api_error" });
  expect((await anthropic.messages.batches.list()).data).toEqual([]);
  await simulator.faults.clear();
  expect(await simulator.batches()).toEqual([]);
  await expect(simulator.faults.add({ kind: "cut-download", afterBytes: -1 })).rejects.toThrow("400");
});
