import { expect, test } from "vitest";
import { MemoryObjectStore } from "../../../../lambdas/adapters/memory-object-store.ts";
import { anthropicBatchProvider } from "../../../../lambdas/adapters/providers/anthropic-batch-provider.ts";
import { anthropicClient } from "../../../../lambdas/adapters/providers/provider-clients.ts";
import { LostAnswerError, ResultsGoneError } from "../../../../lambdas/domain/failures.ts";
import type { BatchId } from "../../../../lambdas/domain/ids.ts";
import { encodeRequestLine } from "../../../../lambdas/domain/request-line.ts";
import { gather } from "../../../contracts/gather.ts";
import { startStub } from "./stub-server.ts";

const CREATE = {
  batchId: "b-1" as BatchId,
  endpoint: "/v1/messages",
  inputKey: "input",
  inputFileId: null,
} as const;
const ENDED = {
  id: "msgbatch_1",
  type: "message_batch",
  processing_status: "ended",
  created_at: "2026-11-21T12:00:00.5Z",
  ended_at: "2026-11-21T12:10:00Z",
  results_url: "https://elsewhere.example.com/results",
  request_counts: { processing: 0, succeeded: 5, errored: 1, canceled: 2, expired: 3 },
};

async function connect(reply: Parameters<typeof startStub>[0]) {
  const { origin, received } = await startStub(reply);
  const objects = new MemoryObjectStore({ chunkBytes: 7 });
  const provider = anthropicBatchProvider({
    client: anthropicClient({ apiKey: "key", baseUrl: origin }),
    objects,
  });
  return { provider, objects, received };
}

test("a create sends the lines as one JSON body of known length", async () => {
  const { provider, objects, received } = await connect({ status: 200, body: JSON.stringify(ENDED) });
  const params = {
    model: "claude-haiku-4-5",
    max_tokens: 5,
    messages: [{ role: "user", content: "é\u2028\n" }],
  };
  const lines = ["a-1", "b-1"].map((id) => encodeRequestLine("anthropic", id, "/v1/messages", params));
  await objects.put("input", lines.join(""));
  expect(await provider.create(CREATE)).toEqual({
    id: "msgbatch_1",
    phase: "ended",
    status: "ended",
    stage: "ended",
    stageSince: Date.UTC(2026, 10, 21, 12, 10),
    createdAt: Date.UTC(2026, 10, 21, 12, 0, 0, 500),
    endedAt: Date.UTC(2026, 10, 21, 12, 10),
    counts: { total: 11, completed: 5, failed: 6 },
    errors: [],
    inputFileId: null,
    outputFileId: "msgbatch_1",
    errorFileId: null,
  });
  const [request] = received;
  expect(request).toMatchObject({
    method: "POST",
    url: "/v1/messages/batches",
    headers: {
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(request?.body ?? "")),
    },
  });
  expect(request?.headers).not.toHaveProperty("transfer-encoding");
  expect(JSON.parse(request?.body ?? "")).toEqual({
    requests: [
      { custom_id: "a-1", params },
      { custom_id: "b-1", params },
    ],
  });
});

test("an answer to a create that cannot be read is a lost answer", async () => {
  const { provider, objects } = await connect({ status: 200, body: '{"id":"msgbatch_1"}' });
  await objects.put("input", "{}\n");
  await expect(provider.create(CREATE)).rejects.toBeInstanceOf(LostAnswerError);
});

test("results are read from the configured address, wherever the batch says they are", async () => {
  const { provider, received } = await connect({ status: 200, body: JSON.stringify(ENDED) });
  const batch = await provider.get("msgbatch_1");
  expect(await gather(provider.output(batch, "errors"))).toEqual([]);
  expect(Buffer.concat(await gather(provider.output(batch, "output"))).toString()).toBe(
    JSON.stringify(ENDED),
  );
  expect(received.map(({ url }) => url)).toEqual([
    "/v1/messages/batches/msgbatch_1",
    "/v1/messages/batches/msgbatch_1/results",
  ]);
});

test.each([
  ["in_progress", {}, "in-progress", Date.UTC(2026, 10, 21, 12, 0, 0, 500)],
  ["canceling", { cancel_initiated_at: "2026-11-21T12:05:00Z" }, "cancelling", Date.UTC(2026, 10, 21, 12, 5)],
  ["canceling", {}, "cancelling", Date.UTC(2026, 10, 21, 12, 0, 0, 500)],
])("a batch that is %s %j is %s since then", async (processing_status, fields, stage, stageSince) => {
  const running = { ...ENDED, ended_at: null, results_url: null, processing_status, ...fields };
  const { provider } = await connect({ status: 200, body: JSON.stringify(running) });
  const batch = await provider.get("msgbatch_1");
  expect(batch).toMatchObject({ phase: "running", stage, stageSince, outputFileId: null });
});

test.each([[{ archived_at: "2026-12-20T12:00:00Z" }], [{ results_url: null }]])(
  "results are gone without a call when the batch says so: %j",
  async (fields) => {
    const { provider, received } = await connect({
      status: 200,
      body: JSON.stringify({ ...ENDED, ...fields }),
    });
    const batch = await provider.get("msgbatch_1");
    await expect(gather(provider.output(batch, "output"))).rejects.toBeInstanceOf(ResultsGoneError);
    expect(received).toHaveLength(1);
  },
);
