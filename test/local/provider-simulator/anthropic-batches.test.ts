import type Anthropic from "@anthropic-ai/sdk";
import { expect, test } from "vitest";
import { startBench, untilEnded } from "./simulator-fixture.ts";
import { VirtualClock } from "./virtual-clock.ts";

type BatchRequest = Anthropic.Messages.BatchCreateParams.Request;

function request(customId: string, params: Partial<BatchRequest["params"]> = {}): BatchRequest {
  const messages = [{ role: "user" as const, content: `Please confirm ${customId}.` }];
  return { custom_id: customId, params: { model: "claude-haiku-4-5", max_tokens: 50, messages, ...params } };
}

function requests(count: number): BatchRequest[] {
  return Array.from({ length: count }, (_, index) => request(`job-${index}`));
}

async function readResults(anthropic: Anthropic, id: string) {
  const results: Anthropic.Messages.MessageBatchIndividualResponse[] = [];
  for await (const result of await anthropic.messages.batches.results(id)) results.push(result);
  return results;
}

test("a batch shows no counts until it has ended, then has its results", async () => {
  const clock = new VirtualClock();
  const { anthropic, simulator } = await startBench({ clock, batchSeconds: 600 });
  const created = await anthropic.messages.batches.create({
    requests: [
      ...requests(3),
      request("other-model", { model: "claude-sonnet-5" }),
      request("bad", { max_tokens: 0 }),
    ],
  });
  expect(created).toMatchObject({
    type: "message_batch",
    processing_status: "in_progress",
    results_url: null,
  });
  clock.advance(599_000);
  const running = await anthropic.messages.batches.retrieve(created.id);
  expect(running.processing_status).toBe("in_progress");
  expect(running.request_counts).toEqual({
    processing: 5,
    succeeded: 0,
    errored: 0,
    canceled: 0,
    expired: 0,
  });
  clock.advance(1000);
  const ended = await untilEnded(anthropic, created.id);
  expect(ended.request_counts).toEqual({ processing: 0, succeeded: 4, errored: 1, canceled: 0, expired: 0 });
  expect(Date.parse(ended.ended_at ?? "") - Date.parse(ended.created_at)).toBe(600_000);
  const results = await readResults(anthropic, created.id);
  const byId = new Map(results.map((result) => [result.custom_id, result.result]));
  expect(byId.get("job-0")).toMatchObject({
    type: "succeeded",
    message: { usage: { service_tier: "batch" } },
  });
  expect(byId.get("bad")).toMatchObject({
    type: "errored",
    error: { type: "error", error: { type: "invalid_request_error" } },
  });
  const billed = simulator.invoice().lines.map((line) => String(line.customId));
  expect(billed.toSorted()).toEqual(["job-0", "job-1", "job-2", "other-model"]);
});

test("results come in another order than the requests", async () => {
  const { anthropic } = await startBench();
  const { id } = await anthropic.messages.batches.create({ requests: requests(40) });
  await untilEnded(anthropic, id);
  const ids = (await readResults(anthropic, id)).map((result) => result.custom_id);
  const sent = requests(40).map((each) => each.custom_id);
  expect(ids).not.toEqual(sent);
  expect(ids.toSorted()).toEqual(sent.toSorted());
});

test("cancelling ends a batch with what was done; only that is billed", async () => {
  const clock = new VirtualClock();
  const { anthropic, simulator } = await startBench({ clock, batchSeconds: 1000 });
  const { id } = await anthropic.messages.batches.create({ requests: requests(9) });
  clock.advance(300_000);
  await expect.poll(() => simulator.invoice().lines.length).toBe(3);
  const canceling = await anthropic.messages.batches.cancel(id);
  expect(canceling).toMatchObject({
    processing_status: "canceling",
    cancel_initiated_at: expect.any(String),
  });
  expect(canceling.request_counts.processing).toBe(9);
  clock.advance(50_000);
  const ended = await untilEnded(anthropic, id);
  expect(ended.request_counts).toEqual({ processing: 0, succeeded: 3, errored: 0, canceled: 6, expired: 0 });
  const types = (await readResults(anthropic, id)).map((result) => result.result.type);
  expect(types.filter((type) => type === "canceled")).toHaveLength(6);
  expect(simulator.invoice().lines).toHaveLength(3);
});

test("requests that were not run within 24 hours are expired and free", async () => {
  const { anthropic, simulator } = await startBench();
  simulator.faults.add({ kind: "expire-batch", provider: "anthropic", afterLines: 2 });
  const { id } = await anthropic.messages.batches.create({ requests: requests(5) });
  const ended = await untilEnded(anthropic, id);
  expect(ended.request_counts).toMatchObject({ succeeded: 2, expired: 3 });
  expect(simulator.invoice().lines).toHaveLength(2);
});

test.each([
  ["a repeated custom_id", [request("same"), request("same")], "requests.1.custom_id"],
  ["a custom_id with a dot", [request("a.b")], "requests.0.custom_id: String should match pattern"],
  ["a custom_id of 65 characters", [request("a".repeat(65))], "String should have at most 64 characters"],
  ["no request", [], "requests: List should have at least 1 item"],
])("%s is refused at once", async (_name, list, message) => {
  const { anthropic, simulator } = await startBench();
  await expect(anthropic.messages.batches.create({ requests: list })).rejects.toMatchObject({
    status: 400,
    error: { error: { type: "invalid_request_error", message: expect.stringContaining(message) } },
  });
  expect(simulator.batches()).toEqual([]);
});

test("batches are listed newest first, in pages either way, and deleted when ended", async () => {
  const { anthropic } = await startBench();
  const ids: string[] = [];
  for (let index = 0; index < 5; index += 1) {
    ids.unshift((await anthropic.messages.batches.create({ requests: requests(1) })).id);
  }
  const listed: string[] = [];
  for await (const batch of anthropic.messages.batches.list({ limit: 2 })) listed.push(batch.id);
  expect(listed).toEqual(ids);
  const newer = await anthropic.messages.batches.list({ before_id: ids[4] ?? "", limit: 2 });
  expect(newer.data.map((batch) => batch.id)).toEqual(ids.slice(2, 4));
  await untilEnded(anthropic, ids[0] ?? "");
  expect(await anthropic.messages.batches.delete(ids[0] ?? "")).toEqual({
    id: ids[0],
    type: "message_batch_deleted",
  });
  await expect(anthropic.messages.batches.retrieve(ids[0] ?? "")).rejects.toMatchObject({ status: 404 });
});

test("results are gone 29 days after the batch was created", async () => {
  const clock = new VirtualClock();
  const { anthropic } = await startBench({ clock });
  const { id } = await anthropic.messages.batches.create({ requests: requests(1) });
  await untilEnded(anthropic, id);
  clock.advance(29 * 24 * 3600 * 1000);
  expect((await anthropic.messages.batches.retrieve(id)).archived_at).not.toBeNull();
  await expect(anthropic.messages.batches.results(id)).rejects.toMatchObject({ status: 404 });
});
