import type Anthropic from "@anthropic-ai/sdk";
import { expect, test } from "vitest";
import {
  chatLine,
  chatLines,
  createBatch,
  customIds,
  readLines,
  startBench,
  until,
  untilEnded,
  untilStatus,
} from "./simulator-fixture.ts";
import { VirtualClock } from "./virtual-clock.ts";

const HOUR = 3_600_000;
const params = {
  model: "claude-sonnet-5",
  max_tokens: 9,
  messages: [{ role: "user" as const, content: "Hello there." }],
};
const message = (count: number) => ({
  requests: Array.from({ length: count }, (_, index) => ({ custom_id: `job-${index}`, params })),
});

async function readResults(anthropic: Anthropic, id: string) {
  return Array.fromAsync(await anthropic.messages.batches.results(id));
}

test("a batch fails at validation for the rows that the fault names", async () => {
  const { openai, simulator } = await startBench();
  simulator.faults.add({ kind: "fail-batch", code: "invalid_value", message: "Bad row.", lines: [2, 3] });
  const batch = await createBatch(openai, chatLines(3));
  const failed = await untilStatus(openai, batch.id, "failed");
  expect(failed.errors?.data?.map(({ line }) => line)).toEqual([2, 3]);
  expect(simulator.invoice().lines).toEqual([]);
});

test("a failed batch holds its tokens for as long as the options say", async () => {
  const clock = new VirtualClock();
  const options = { clock, enqueuedTokenLimits: { "gpt-4.1-nano": 60 }, failedTokenHoldSeconds: 600 };
  const { openai } = await startBench(options);
  const text = "x".repeat(240);
  const tooLarge = await createBatch(openai, [chatLine("a", text), chatLine("b", text)]);
  const failed = await untilStatus(openai, tooLarge.id, "failed");
  expect(failed.errors?.data).toMatchObject([{ code: "token_limit_exceeded", line: null }]);
  const small = () => createBatch(openai, [chatLine("c", "Hi.")]);
  await untilStatus(openai, (await small()).id, "failed");
  clock.advance(601_000);
  await untilStatus(openai, (await small()).id, "completed");
});

test("credit that runs out fails every later line in the provider's own words, unbilled", async () => {
  const { openai, anthropic, simulator } = await startBench();
  simulator.faults.add({
    kind: "line-error",
    provider: "openai",
    status: 429,
    code: "insufficient_quota",
    message: "You exceeded your current quota.",
    fromLine: 2,
  });
  const credit = "Your credit balance is too low to access the Anthropic API.";
  simulator.faults.add({
    kind: "line-error",
    provider: "anthropic",
    status: 400,
    message: credit,
    fromLine: 1,
  });
  const done = await untilStatus(openai, (await createBatch(openai, chatLines(5))).id, "completed");
  const errors = await readLines(openai, done.error_file_id);
  expect(customIds(errors).toSorted()).toEqual(["job-2", "job-3", "job-4"]);
  const error = { type: "insufficient_quota", code: "insufficient_quota" };
  for (const line of errors)
    expect(line).toMatchObject({ response: { status_code: 429, body: { error } }, error: null });
  const { id } = await anthropic.messages.batches.create(message(3));
  await untilEnded(anthropic, id);
  const errored = (await readResults(anthropic, id)).filter(({ result }) => result.type === "errored");
  expect(errored).toHaveLength(2);
  const envelope = { type: "error", error: { type: "invalid_request_error", message: credit } };
  expect(errored[0]).toMatchObject({ result: { error: envelope } });
  expect(simulator.invoice().lines).toHaveLength(3);
});

test("an answered request is contradicted by an error line, and billed once", async () => {
  const { openai, anthropic, simulator } = await startBench();
  simulator.faults.add({ kind: "damaged-output", conflicting: 1, times: 2 });
  const done = await untilStatus(openai, (await createBatch(openai, chatLines(2))).id, "completed");
  expect(customIds(await readLines(openai, done.output_file_id)).toSorted()).toEqual(["job-0", "job-1"]);
  const errors = await readLines(openai, done.error_file_id);
  expect(errors).toMatchObject([{ custom_id: "job-0", response: { status_code: 500 } }]);
  const { id } = await anthropic.messages.batches.create(message(2));
  await untilEnded(anthropic, id);
  const results = await readResults(anthropic, id);
  expect(results.map(({ custom_id, result }) => `${custom_id} ${result.type}`).toSorted()).toEqual([
    "job-0 errored",
    "job-0 succeeded",
    "job-1 succeeded",
  ]);
  expect(simulator.invoice().lines).toHaveLength(4);
});

test("the results of a batch that ended cannot be read any more", async () => {
  const { openai, anthropic, simulator } = await startBench();
  simulator.faults.add({ kind: "results-gone", times: 2 });
  const done = await untilStatus(openai, (await createBatch(openai, chatLines(2))).id, "completed");
  await expect(openai.files.content(done.output_file_id ?? "")).rejects.toMatchObject({ status: 404 });
  const { id } = await anthropic.messages.batches.create(message(2));
  const ended = await untilEnded(anthropic, id);
  expect(ended.archived_at).toBe(ended.ended_at);
  await expect(anthropic.messages.batches.results(id)).rejects.toMatchObject({ status: 404 });
  expect(simulator.invoice().lines).toHaveLength(4);
});

test("a batch stands still in progress after so many lines, none of them included", async () => {
  const clock = new VirtualClock();
  const { openai, simulator } = await startBench({ clock });
  simulator.faults.add({ kind: "stuck-batch", status: "in_progress", afterLines: 0 });
  simulator.faults.add({ kind: "stuck-batch", status: "in_progress", afterLines: 2 });
  const stuck = [await createBatch(openai, chatLines(3)), await createBatch(openai, chatLines(3))];
  clock.advance(23 * HOUR);
  await until(
    () => Promise.all(stuck.map(({ id }) => openai.batches.retrieve(id))),
    (batches) =>
      expect(batches.map(({ status, request_counts }) => [status, request_counts?.completed])).toEqual([
        ["in_progress", 0],
        ["in_progress", 2],
      ]),
  );
  for (const { id } of stuck) await openai.batches.cancel(id);
  const [, second] = await Promise.all(stuck.map(({ id }) => untilStatus(openai, id, "cancelled")));
  expect(await readLines(openai, second?.output_file_id)).toHaveLength(2);
  expect(simulator.invoice().lines).toHaveLength(2);
});

test("a batch stays in cancelling until its window ends", async () => {
  const clock = new VirtualClock();
  const { openai, anthropic, simulator } = await startBench({ clock });
  simulator.faults.add({ kind: "stuck-batch", status: "finalizing", evenCancelled: true, times: 2 });
  const batch = await createBatch(openai, chatLines(2));
  await untilStatus(openai, batch.id, "finalizing");
  const { id } = await anthropic.messages.batches.create(message(1));
  await openai.batches.cancel(batch.id);
  await anthropic.messages.batches.cancel(id);
  clock.advance(23 * HOUR);
  await untilStatus(openai, batch.id, "cancelling");
  expect((await anthropic.messages.batches.retrieve(id)).processing_status).toBe("canceling");
  clock.advance(HOUR);
  const cancelled = await untilStatus(openai, batch.id, "cancelled");
  expect(await readLines(openai, cancelled.output_file_id)).toHaveLength(2);
  await untilEnded(anthropic, id);
});

test("a cancel that comes too late changes nothing but the state on the way", async () => {
  const clock = new VirtualClock();
  const { openai, anthropic, simulator } = await startBench({ clock, batchSeconds: 100 });
  simulator.faults.add({ kind: "late-cancel", times: 2 });
  const batch = await createBatch(openai, chatLines(2));
  const { id } = await anthropic.messages.batches.create(message(2));
  expect((await openai.batches.cancel(batch.id)).status).toBe("cancelling");
  await anthropic.messages.batches.cancel(id);
  clock.advance(50_000);
  await untilStatus(openai, batch.id, "cancelling");
  clock.advance(50_000);
  const done = await untilStatus(openai, batch.id, "completed");
  expect(done.request_counts?.completed).toBe(2);
  expect((await untilEnded(anthropic, id)).request_counts).toMatchObject({ succeeded: 2, canceled: 0 });
  expect(simulator.invoice().lines).toHaveLength(4);
});

test("a batch is missing from the first lists, and can be read all the same", async () => {
  const { openai, anthropic, simulator } = await startBench();
  simulator.faults.add({ kind: "list-lag", lists: 2, times: 2 });
  const batch = await createBatch(openai, chatLines(1));
  const { id } = await anthropic.messages.batches.create(message(1));
  const listed = async () => [
    ...(await openai.batches.list()).data.map((each) => each.id),
    ...(await anthropic.messages.batches.list()).data.map((each) => each.id),
  ];
  expect(await listed()).toEqual([]);
  expect((await openai.batches.retrieve(batch.id)).id).toBe(batch.id);
  expect(await listed()).toEqual([]);
  expect(await listed()).toEqual([batch.id, id]);
});

test("a refused call says what the fault tells it to", async () => {
  const { openai, simulator } = await startBench();
  const code = "billing_hard_limit_reached";
  const words = { code, message: "Billing hard limit has been reached." };
  simulator.faults.add({ kind: "http-error", operation: "openai.batches.create", status: 400, ...words });
  await expect(createBatch(openai, chatLines(1))).rejects.toMatchObject({ status: 400, code });
  expect(simulator.batches()).toEqual([]);
});
