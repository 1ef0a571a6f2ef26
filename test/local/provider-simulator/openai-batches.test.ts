import { expect, test } from "vitest";
import {
  chatLine,
  chatLines,
  createBatch,
  customIds,
  readLines,
  startBench,
  until,
  untilStatus,
  uploadLines,
} from "./simulator-fixture.ts";
import { VirtualClock } from "./virtual-clock.ts";

const MINUTE = 60_000;

test("a batch goes through every state with its timestamps and counts", async () => {
  const clock = new VirtualClock();
  const { openai } = await startBench({ clock, batchSeconds: 1000 });
  const created = await createBatch(openai, chatLines(10), { metadata: { offpeak_batch: "b-1" } });
  expect(created).toMatchObject({
    object: "batch",
    status: "validating",
    endpoint: "/v1/chat/completions",
    completion_window: "24h",
    metadata: { offpeak_batch: "b-1" },
    request_counts: { total: 0, completed: 0, failed: 0 },
    expires_at: created.created_at + 86_400,
    output_file_id: null,
    errors: null,
  });

  clock.advance(50_000);
  const started = await untilStatus(openai, created.id, "in_progress");
  expect(started.in_progress_at).toBe(created.created_at + 50);
  expect(started.request_counts?.total).toBe(10);

  clock.advance(425_000);
  const half = await until(
    () => openai.batches.retrieve(created.id),
    (batch) => expect(batch.request_counts?.completed).toBe(5),
  );
  expect(half).toMatchObject({ status: "in_progress", output_file_id: null });

  clock.advance(425_000);
  await untilStatus(openai, created.id, "finalizing");
  clock.advance(100_000);
  const done = await untilStatus(openai, created.id, "completed");
  expect(done).toMatchObject({
    request_counts: { total: 10, completed: 10, failed: 0 },
    error_file_id: null,
    model: "gpt-4.1-nano-2025-04-14",
    finalizing_at: created.created_at + 900,
    completed_at: created.created_at + 1000,
  });
  const lines = await readLines(openai, done.output_file_id);
  const output = lines.reduce((sum, line) => sum + usageOf(line).completion_tokens, 0);
  expect(done.usage?.output_tokens).toBe(output);
});

function usageOf(line: { response: unknown }): { completion_tokens: number } {
  const { response } = line as { response: { body: { usage: { completion_tokens: number } } } };
  return response.body.usage;
}

test("the output holds every request once, in another order, and the same order for the same seed", async () => {
  const orders: string[][] = [];
  for (let round = 0; round < 2; round += 1) {
    const { openai } = await startBench({ seed: "shuffle" });
    const batch = await createBatch(openai, chatLines(50));
    const done = await untilStatus(openai, batch.id, "completed");
    orders.push(customIds(await readLines(openai, done.output_file_id)));
  }
  const sent = chatLines(50).map((line) => String(line["custom_id"]));
  expect(orders[0]?.toSorted()).toEqual(sent.toSorted());
  expect(orders[0]).not.toEqual(sent);
  expect(orders[1]).toEqual(orders[0]);
});

test("a request that the endpoint refuses is a 4xx response with a null error, in the error file, unbilled", async () => {
  const { openai, simulator } = await startBench();
  const lines = [
    chatLine("good", "Hello there."),
    chatLine("no-messages", "", { messages: undefined }),
    chatLine("hot", "Hello.", { temperature: 9 }),
  ];
  const batch = await createBatch(openai, lines);
  const done = await untilStatus(openai, batch.id, "completed");
  expect(done.request_counts).toEqual({ total: 3, completed: 1, failed: 2 });
  expect(customIds(await readLines(openai, done.output_file_id))).toEqual(["good"]);
  const errors = await readLines(openai, done.error_file_id);
  expect(customIds(errors).toSorted()).toEqual(["hot", "no-messages"]);
  for (const line of errors) {
    expect(line.error).toBeNull();
    expect(line.response).toMatchObject({
      status_code: 400,
      body: { error: { type: "invalid_request_error" } },
    });
  }
  expect(simulator.invoice().lines.map((line) => line.customId)).toEqual(["good"]);
});

test("a batch whose every request fails completes without an output file", async () => {
  const { openai, simulator } = await startBench();
  const batch = await createBatch(openai, [chatLine("a", "Hi.", { unheard_of: true })]);
  const done = await untilStatus(openai, batch.id, "completed");
  expect(done.output_file_id).toBeNull();
  expect(await readLines(openai, done.error_file_id)).toMatchObject([
    { custom_id: "a", response: { body: { error: { code: "unknown_parameter", param: "unheard_of" } } } },
  ]);
  expect(simulator.invoice().totalPicoUsd).toBe("0");
});

test("when the window closes, finished lines are in the output and billed, the others expired and free", async () => {
  const clock = new VirtualClock();
  const { openai, simulator } = await startBench({ clock, batchSeconds: 48 * 3600 });
  const batch = await createBatch(openai, chatLines(20));
  // Looked at late, the batch must still end with what fell due within its window.
  clock.advance(30 * 60 * MINUTE);
  const expired = await untilStatus(openai, batch.id, "expired");
  expect(expired.expired_at).toBeGreaterThanOrEqual(expired.expires_at ?? Infinity);
  const output = await readLines(openai, expired.output_file_id);
  const errors = await readLines(openai, expired.error_file_id);
  // Validation takes 2.4 h and processing 40.8 h: in 21.6 h of it, 10 of 20 lines fall due.
  expect(output).toHaveLength(10);
  expect(output.length + errors.length).toBe(20);
  expect(new Set(customIds([...output, ...errors])).size).toBe(20);
  for (const line of errors) expect(line).toMatchObject({ response: null, error: { code: "batch_expired" } });
  expect(expired.request_counts).toEqual({ total: 20, completed: output.length, failed: errors.length });
  const billed = simulator.invoice().lines.map((line) => String(line.customId));
  expect(billed.toSorted()).toEqual(customIds(output).toSorted());
});

test("a fault makes a batch expire after exactly so many lines", async () => {
  const { openai, simulator } = await startBench();
  simulator.faults.add({ kind: "expire-batch", afterLines: 7 });
  const batch = await createBatch(openai, chatLines(20));
  const expired = await untilStatus(openai, batch.id, "expired");
  expect(expired.request_counts).toEqual({ total: 20, completed: 7, failed: 13 });
  expect(simulator.invoice().lines).toHaveLength(7);
});

test("a cancelled batch is cancelling first, then keeps and bills what was done", async () => {
  const clock = new VirtualClock();
  const { openai, simulator } = await startBench({ clock, batchSeconds: 1000 });
  const batch = await createBatch(openai, chatLines(10));
  clock.advance(50_000);
  await untilStatus(openai, batch.id, "in_progress");
  clock.advance(425_000);
  await until(
    () => openai.batches.retrieve(batch.id),
    (half) => expect(half.request_counts?.completed).toBe(5),
  );
  const cancelling = await openai.batches.cancel(batch.id);
  expect(cancelling).toMatchObject({ status: "cancelling", cancelling_at: batch.created_at + 475 });
  clock.advance(50_000);
  const cancelled = await untilStatus(openai, batch.id, "cancelled");
  expect(cancelled.request_counts).toEqual({ total: 10, completed: 5, failed: 5 });
  expect(await readLines(openai, cancelled.output_file_id)).toHaveLength(5);
  const errors = await readLines(openai, cancelled.error_file_id);
  expect(errors[0]).toMatchObject({ response: null, error: { code: "batch_cancelled" } });
  expect(simulator.invoice().lines).toHaveLength(5);
  await expect(openai.batches.cancel(batch.id)).rejects.toMatchObject({ status: 409 });
});

test("batches are listed newest first with a cursor", async () => {
  const { openai } = await startBench();
  const ids: string[] = [];
  for (let index = 0; index < 5; index += 1) ids.unshift((await createBatch(openai, chatLines(1))).id);
  const listed: string[] = [];
  for await (const batch of openai.batches.list({ limit: 2 })) listed.push(batch.id);
  expect(listed).toEqual(ids);
  const page = await openai.batches.list({ limit: 2, after: ids[1] ?? "" });
  expect(page.data.map((batch) => batch.id)).toEqual(ids.slice(2, 4));
});

test("creating a batch checks its parameters", async () => {
  const { openai } = await startBench({ batchesPerHour: 1 });
  const file = await uploadLines(openai, chatLines(1));
  const create = (params: Record<string, unknown>) =>
    openai.post("/batches", {
      body: { input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h", ...params },
    });
  const metadata = Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`key${index}`, "value"]));
  await expect(create({ metadata })).rejects.toMatchObject({ status: 400, param: "metadata" });
  await expect(create({ metadata: { key: "v".repeat(513) } })).rejects.toMatchObject({
    param: "metadata.key",
  });
  await expect(create({ completion_window: "48h" })).rejects.toMatchObject({ param: "completion_window" });
  await expect(create({ endpoint: "/v1/unheard" })).rejects.toMatchObject({ param: "endpoint" });
  await expect(create({ input_file_id: "file-none" })).rejects.toMatchObject({ status: 404 });
  await expect(create({ output_expires_after: { anchor: "created_at", seconds: 60 } })).rejects.toMatchObject(
    { param: "output_expires_after.seconds" },
  );
  await create({ output_expires_after: { anchor: "created_at", seconds: 3600 } });
  await expect(create({})).rejects.toMatchObject({ status: 429, code: "rate_limit_exceeded" });
});

test("an output file expires as the batch asked", async () => {
  const { openai } = await startBench();
  const batch = await createBatch(openai, chatLines(1), {
    output_expires_after: { anchor: "created_at", seconds: 3600 },
  });
  const done = await untilStatus(openai, batch.id, "completed");
  const file = await openai.files.retrieve(done.output_file_id ?? "");
  expect(file).toMatchObject({ purpose: "batch_output", expires_at: file.created_at + 3600 });
});

test("without a key nothing is answered", async () => {
  const { simulator } = await startBench();
  const response = await fetch(`${simulator.openaiBaseUrl}/batches`);
  expect(response.status).toBe(401);
  expect(response.headers.get("x-request-id")).toMatch(/^req_/);
  expect(await response.json()).toMatchObject({ error: { type: "invalid_request_error", code: null } });
});
