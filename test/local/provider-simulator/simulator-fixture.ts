import { Buffer } from "node:buffer";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI, { toFile } from "openai";
import { expect, onTestFinished, vi } from "vitest";
import type { ProviderSimulatorOptions } from "../../../local/provider-simulator/simulator-options.ts";
import {
  type ProviderSimulator,
  startProviderSimulator,
} from "../../../local/provider-simulator/start-provider-simulator.ts";

export interface Bench {
  readonly simulator: ProviderSimulator;
  readonly openai: OpenAI;
  readonly anthropic: Anthropic;
}

/** A simulator whose batches end at once, unless told otherwise, with both official clients; closed with the test. */
export async function startBench(options: ProviderSimulatorOptions = {}): Promise<Bench> {
  const simulator = await startProviderSimulator({ batchSeconds: 0, ...options });
  onTestFinished(() => simulator.close());
  return {
    simulator,
    openai: new OpenAI({ apiKey: "sk-test", baseURL: simulator.openaiBaseUrl, maxRetries: 0 }),
    anthropic: new Anthropic({ apiKey: "sk-ant-test", baseURL: simulator.anthropicBaseUrl, maxRetries: 0 }),
  };
}

/** One line of a batch input file. */
export function chatLine(
  customId: string,
  text: string,
  body: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    custom_id: customId,
    method: "POST",
    url: "/v1/chat/completions",
    body: { model: "gpt-4.1-nano", messages: [{ role: "user", content: text }], ...body },
  };
}

export function chatLines(count: number): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, index) =>
    chatLine(`job-${index}`, `Please confirm order number ${index}.`),
  );
}

export function toJsonl(lines: readonly unknown[]): string {
  return lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join("");
}

export async function uploadLines(openai: OpenAI, lines: readonly unknown[]): Promise<OpenAI.FileObject> {
  const file = await toFile(Buffer.from(toJsonl(lines)), "input.jsonl");
  return openai.files.create({ file, purpose: "batch" });
}

export async function createBatch(
  openai: OpenAI,
  lines: readonly unknown[],
  params: Partial<OpenAI.BatchCreateParams> = {},
): Promise<OpenAI.Batch> {
  const file = await uploadLines(openai, lines);
  return openai.batches.create({
    input_file_id: file.id,
    endpoint: "/v1/chat/completions",
    completion_window: "24h",
    ...params,
  });
}

/** Reads the batch until it is in that state. */
export function untilStatus(
  openai: OpenAI,
  id: string,
  status: OpenAI.Batch["status"],
): Promise<OpenAI.Batch> {
  return until(
    () => openai.batches.retrieve(id),
    (batch) => expect(batch.status).toBe(status),
  );
}

export function untilEnded(anthropic: Anthropic, id: string): Promise<Anthropic.Messages.MessageBatch> {
  return until(
    () => anthropic.messages.batches.retrieve(id),
    (batch) => expect(batch.processing_status).toBe("ended"),
  );
}

export function until<Value>(read: () => Promise<Value>, check: (value: Value) => void): Promise<Value> {
  return vi.waitFor(
    async () => {
      const value = await read();
      check(value);
      return value;
    },
    { timeout: 20_000, interval: 10 },
  );
}

export interface OutputLine {
  readonly id: string;
  readonly custom_id: string;
  readonly response: {
    readonly status_code: number;
    readonly request_id: string;
    readonly body: never;
  } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** The lines of an output or error file; none when the batch has no such file. */
export async function readLines(openai: OpenAI, fileId: string | null | undefined): Promise<OutputLine[]> {
  if (!fileId) return [];
  const text = await (await openai.files.content(fileId)).text();
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as OutputLine);
}

export function customIds(lines: readonly { custom_id: string }[]): string[] {
  return lines.map((line) => line.custom_id);
}
