import { expect, test } from "vitest";
import {
  chatLine,
  chatLines,
  createBatch,
  customIds,
  readLines,
  startBench,
  untilEnded,
  untilStatus,
  uploadLines,
} from "./simulator-fixture.ts";
import { VirtualClock } from "./virtual-clock.ts";

const messages = [{ role: "user" as const, content: "Hello there." }];

test("the next calls of an operation fail, and only those", async () => {
  const { openai, anthropic, simulator } = await startBench();
  simulator.faults.add({
    kind: "http-error",
    operation: "openai.chat.completions",
    status: 429,
    retryAfterSeconds: 7,
  });
  simulator.faults.add({ kind: "http-error", operation: "anthropic.messages", status: 529, times: 2 });
  const chat = () => openai.chat.completions.create({ model: "gpt-4.1", messages });
  const message = () => anthropic.messages.create({ model: "claude-sonnet-5", max_tokens: 9, messages });
  const refused = await chat().catch((error: unknown) => error);
  expect(refused).toMatchObject({ status: 429, code: "rate_limit_exceeded" });
  expect((refused as { headers: Headers }).headers.get("retry-after")).toBe("7");
  await chat();
  for (let round = 0; round < 2; round += 1) {
    await expect(message()).rejects.toMatchObject({ status: 529, type: "overloaded_error" });
  }
  await message();
  expect(simulator.invoice().lines).toHaveLength(2);
});

test("an upload that is refused leaves no file", async () => {
  const { openai, simulator } = await startBench();
  simulator.faults.add({ kind: "http-error", operation: "openai.files.create", status: 503 });
  await expect(uploadLines(openai, chatLines(100))).rejects.toMatchObject({ status: 503 });
  expect((await openai.files.list()).data).toEqual([]);
});

test("a lost answer leaves a batch that is found again by its metadata", async () => {
  const { openai, anthropic, simulator } = await startBench();
  simulator.faults.add({ kind: "lost-answer", operation: "openai.batches.create" });
  simulator.faults.add({ kind: "lost-answer", operation: "anthropic.batches.create" });
  await expect(createBatch(openai, chatLines(1), { metadata: { batch: "lost" } })).rejects.toThrow(
    "Connection error",
  );
  const found = (await openai.batches.list()).data.find((batch) => batch.metadata?.["batch"] === "lost");
  await untilStatus(openai, found?.id ?? "", "completed");
  const params = { model: "claude-sonnet-5", max_tokens: 9, messages };
  const create = anthropic.messages.batches.create({ requests: [{ custom_id: "a", params }] });
  await expect(create).rejects.toThrow("Connection error");
  expect((await anthropic.messages.batches.list()).data).toHaveLength(1);
});

test("a direct call whose answer is lost is billed all the same", async () => {
  const { openai, simulator } = await startBench();
  simulator.faults.add({ kind: "lost-answer", operation: "openai.responses" });
  await expect(openai.responses.create({ model: "gpt-4.1", input: "Hello." })).rejects.toThrow(
    "Connection error",
  );
  expect(simulator.invoice().lines).toHaveLength(1);
});

test("a download is cut after so many bytes, and whole the next time", async () => {
  const { openai, simulator } = await startBench();
  const file = await uploadLines(openai, chatLines(2000));
  simulator.faults.add({ kind: "cut-download", afterBytes: 100_000 });
  const response = await openai.files.content(file.id);
  let received = 0;
  const read = async () => {
    for await (const chunk of response.body ?? []) received += (chunk as Uint8Array).length;
  };
  await expect(read()).rejects.toThrow("terminated");
  expect(received).toBeLessThanOrEqual(100_000);
  expect(Number(response.headers.get("content-length"))).toBe(file.bytes);
  expect((await (await openai.files.content(file.id)).arrayBuffer()).byteLength).toBe(file.bytes);
});

test("a batch fails at validation on demand, of the given provider only", async () => {
  const { openai, simulator } = await startBench();
  simulator.faults.add({
    kind: "fail-batch",
    code: "token_limit_exceeded",
    message: "Enqueued token limit reached.",
  });
  const batch = await createBatch(openai, chatLines(1));
  const failed = await untilStatus(openai, batch.id, "failed");
  expect(failed.errors?.data).toEqual([
    { code: "token_limit_exceeded", line: null, message: "Enqueued token limit reached.", param: null },
  ]);
  const next = await createBatch(openai, chatLines(1));
  await untilStatus(openai, next.id, "completed");
});

test("lines fail by name or by share, unbilled", async () => {
  const { openai, anthropic, simulator } = await startBench();
  simulator.faults.add({ kind: "line-error", provider: "openai", status: 500, customIds: ["job-3"] });
  simulator.faults.add({ kind: "line-error", provider: "anthropic", status: 429, fraction: 1 });
  const batch = await createBatch(openai, chatLines(5));
  const done = await untilStatus(openai, batch.id, "completed");
  const errors = await readLines(openai, done.error_file_id);
  expect(errors).toMatchObject([{ custom_id: "job-3", response: { status_code: 500 }, error: null }]);
  const params = { model: "claude-sonnet-5", max_tokens: 9, messages };
  const { id } = await anthropic.messages.batches.create({ requests: [{ custom_id: "a", params }] });
  expect((await untilEnded(anthropic, id)).request_counts.errored).toBe(1);
  expect(simulator.invoice().lines).toHaveLength(4);
});

test("a damaged output misses, repeats, garbles and invents lines; whole lines are billed once", async () => {
  const { openai, simulator } = await startBench();
  simulator.faults.add({ kind: "damaged-output", missing: 1, unparseable: 1, repeated: 1, unknown: 2 });
  const batch = await createBatch(openai, chatLines(6));
  const done = await untilStatus(openai, batch.id, "completed");
  expect(done.request_counts).toEqual({ total: 6, completed: 6, failed: 0 });
  const text = await (await openai.files.content(done.output_file_id ?? "")).text();
  const lines = text.split("\n").filter(Boolean);
  const whole = lines
    .filter((line) => line.endsWith("}"))
    .map((line) => JSON.parse(line) as { custom_id: string });
  expect(lines).toHaveLength(8);
  expect(whole).toHaveLength(7);
  expect(customIds(whole).toSorted()).toEqual([
    "job-2",
    "job-2",
    "job-3",
    "job-4",
    "job-5",
    "unknown-0",
    "unknown-1",
  ]);
  expect(
    customIds(simulator.invoice().lines.map((line) => ({ custom_id: line.customId ?? "" }))).toSorted(),
  ).toEqual(["job-2", "job-3", "job-4", "job-5"]);
});

test.each(["validating", "in_progress", "finalizing"] as const)(
  "a batch stuck in %s ends by expiry",
  async (status) => {
    const clock = new VirtualClock();
    const { openai, simulator } = await startBench({ clock });
    simulator.faults.add({ kind: "stuck-batch", status });
    const batch = await createBatch(openai, chatLines(2));
    clock.advance(23 * 3600 * 1000);
    await untilStatus(openai, batch.id, status);
    clock.advance(3600 * 1000);
    await untilStatus(openai, batch.id, "expired");
  },
);

test("a batch cannot be read at first", async () => {
  const { openai, simulator } = await startBench();
  simulator.faults.add({ kind: "not-found-after-create", reads: 2 });
  const batch = await createBatch(openai, chatLines(1));
  for (let read = 0; read < 2; read += 1) {
    await expect(openai.batches.retrieve(batch.id)).rejects.toMatchObject({ status: 404 });
  }
  expect((await openai.batches.retrieve(batch.id)).id).toBe(batch.id);
});

test("an input file that is deleted under a batch fails it", async () => {
  const clock = new VirtualClock();
  const { openai } = await startBench({ clock, batchSeconds: 100 });
  const file = await uploadLines(openai, [chatLine("a", "Hi.")]);
  const batch = await openai.batches.create({
    input_file_id: file.id,
    endpoint: "/v1/chat/completions",
    completion_window: "24h",
  });
  await openai.files.delete(file.id);
  clock.advance(100_000);
  const failed = await untilStatus(openai, batch.id, "failed");
  expect(failed.errors?.data).toMatchObject([{ code: "input_file_unreadable", param: "input_file_id" }]);
});

test("faults are set, listed and cleared over HTTP, and nonsense is refused", async () => {
  const { simulator } = await startBench();
  const url = `${simulator.origin}/_simulator/faults`;
  const post = (body: unknown) =>
    fetch(url, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    });
  expect((await post({ kind: "cut-download", afterBytes: 10 })).status).toBe(204);
  expect((await post({ kind: "earthquake" })).status).toBe(400);
  expect(await (await fetch(url)).json()).toEqual([{ kind: "cut-download", afterBytes: 10, times: 1 }]);
  await fetch(url, { method: "DELETE" });
  expect(simulator.faults.list()).toEqual([]);
});
