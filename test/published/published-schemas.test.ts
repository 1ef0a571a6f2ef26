import * as Anthropic from "@effect/ai-anthropic/Generated";
import * as OpenAi from "@effect/ai-openai/Generated";
import * as Schema from "effect/Schema";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { providerRequestSchema } from "../../lambdas/domain/job-message.ts";
import { encodeRequestLine } from "../../lambdas/domain/request-line.ts";
import { checkRequest } from "../../lambdas/domain/request-rules.ts";
import { REQUESTS } from "../../local/demo/requests.ts";
import {
  type ProviderSimulator,
  startProviderSimulator,
} from "../../local/provider-simulator/start-provider-simulator.ts";

// Validators that somebody else generated from the providers' published API descriptions: neither our request lines nor
// the simulator's objects were written with them in hand.

const CUSTOM_ID = "abcdefghijklmnopqrstuvwxyz-1";

const lineSchema = z.object({ body: z.unknown().optional(), params: z.unknown().optional() });

let simulator: ProviderSimulator;
beforeAll(async () => {
  simulator = await startProviderSimulator({ batchSeconds: 0.2 });
});
afterAll(() => simulator.close());

/** A request line as it goes into a batch, for one of the demo's requests. */
function lineOf(name: keyof typeof REQUESTS): { readonly text: string; readonly inner: unknown } {
  const request = providerRequestSchema.parse(REQUESTS[name]("customer: hello\nagent: good morning"));
  const checked = checkRequest(request);
  if (checked.kind === "refused") throw new Error(checked.message);
  const text = encodeRequestLine(request.provider, CUSTOM_ID, request.endpoint, checked.body);
  const line = lineSchema.parse(JSON.parse(text));
  return { text, inner: line.body ?? line.params };
}

async function call(path: string, init: RequestInit = {}): Promise<unknown> {
  const headers = new Headers(init.headers);
  headers.set("authorization", "Bearer k");
  headers.set("x-api-key", "k");
  headers.set("anthropic-version", "2023-06-01");
  const response = await fetch(`${simulator.origin}${path}`, { ...init, headers });
  const body: unknown = await response.json();
  if (!response.ok) throw new Error(JSON.stringify(body));
  return body;
}

const post = (path: string, body: unknown) =>
  call(path, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } });

async function uploadInput(text: string): Promise<unknown> {
  const form = new FormData();
  form.append("purpose", "batch");
  form.append("file", new Blob([text]), "input.jsonl");
  return call("/openai/v1/files", { method: "POST", body: form });
}

/** Looks until `done` says that a batch is over. */
async function until(path: string, done: (batch: Record<string, unknown>) => boolean): Promise<unknown> {
  for (;;) {
    const batch = z.record(z.string(), z.unknown()).parse(await call(path));
    if (done(batch)) return batch;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The description lets `errors` be absent but not null, which the API itself answers for a batch without errors. */
function withoutNulls(batch: unknown): Record<string, unknown> {
  const fields = z.record(z.string(), z.unknown()).parse(batch);
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

const idOf = (object: unknown) => z.object({ id: z.string() }).parse(object).id;

describe("our request lines, by the published schemas", () => {
  test.each([
    ["summary", OpenAi.CreateChatCompletionRequest],
    ["intent", OpenAi.CreateChatCompletionRequest],
    ["classification", OpenAi.CreateResponse],
    ["embedding", OpenAi.CreateEmbeddingRequest],
    ["leadScore", Anthropic.CreateMessageParams],
    ["liveReply", Anthropic.CreateMessageParams],
  ] as const)("%s", (name, schema) => {
    expect(() =>
      Schema.decodeUnknownSync(schema as Schema.Schema<unknown>)(lineOf(name).inner),
    ).not.toThrow();
  });

  test("a whole Anthropic batch", () => {
    const requests = [JSON.parse(lineOf("leadScore").text)];
    expect(() => Schema.decodeUnknownSync(Anthropic.CreateMessageBatchParams)({ requests })).not.toThrow();
  });

  test("the validators do refuse what is wrong", () => {
    const decode = Schema.decodeUnknownSync(OpenAi.CreateChatCompletionRequest as Schema.Schema<unknown>);
    expect(() => decode({ model: "gpt-5-nano", messages: "hello" })).toThrow();
    expect(() =>
      Schema.decodeUnknownSync(Anthropic.CreateMessageBatchParams)({ requests: [{ custom_id: 7 }] }),
    ).toThrow();
  });
});

describe("the simulator's objects, by the published schemas", () => {
  test("OpenAI: file, batch from creation to completion, list of batches", async () => {
    const file = await uploadInput(lineOf("summary").text);
    Schema.decodeUnknownSync(OpenAi.OpenAIFile)(file);
    const created = await post("/openai/v1/batches", {
      input_file_id: idOf(file),
      endpoint: "/v1/chat/completions",
      completion_window: "24h",
      metadata: { offpeak_batch_id: "b-1" },
    });
    Schema.decodeUnknownSync(OpenAi.Batch)(withoutNulls(created));
    const ended = await until(`/openai/v1/batches/${idOf(created)}`, ({ status }) => status === "completed");
    Schema.decodeUnknownSync(OpenAi.Batch)(withoutNulls(ended));
    const list = z
      .object({ data: z.array(z.unknown()) })
      .loose()
      .parse(await call("/openai/v1/batches"));
    Schema.decodeUnknownSync(OpenAi.ListBatchesResponse)({ ...list, data: list.data.map(withoutNulls) });
  });

  test("Anthropic: batch from creation to end, list of batches", async () => {
    const created = await post("/anthropic/v1/messages/batches", {
      requests: [JSON.parse(lineOf("leadScore").text)],
    });
    Schema.decodeUnknownSync(Anthropic.MessageBatch)(created);
    const path = `/anthropic/v1/messages/batches/${idOf(created)}`;
    Schema.decodeUnknownSync(Anthropic.MessageBatch)(
      await until(path, (batch) => batch["processing_status"] === "ended"),
    );
    Schema.decodeUnknownSync(Anthropic.ListResponseMessageBatch)(
      await call("/anthropic/v1/messages/batches"),
    );
  });

  test.each([
    ["summary", "/openai/v1/chat/completions", OpenAi.CreateChatCompletionResponse],
    ["classification", "/openai/v1/responses", OpenAi.Response],
    ["embedding", "/openai/v1/embeddings", OpenAi.CreateEmbeddingResponse],
    ["leadScore", "/anthropic/v1/messages", Anthropic.Message],
  ] as const)("a direct answer: %s", async (name, path, schema) => {
    const answer = await post(path, lineOf(name).inner);
    expect(() => Schema.decodeUnknownSync(schema as Schema.Schema<unknown>)(answer)).not.toThrow();
  });
});
