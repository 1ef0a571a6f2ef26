import { expect, test } from "vitest";
import { MemoryObjectStore } from "../../../../lambdas/adapters/memory-object-store.ts";
import { openAiBatchProvider } from "../../../../lambdas/adapters/providers/openai-batch-provider.ts";
import { openAiClient } from "../../../../lambdas/adapters/providers/provider-clients.ts";
import type { BatchId } from "../../../../lambdas/domain/ids.ts";
import { gather } from "../../../contracts/gather.ts";
import { startStub } from "./stub-server.ts";

const BATCH = "b-aaaaaaaaaaaaaaaaaaaa" as BatchId;
const CREATED = { id: "batch_1", object: "batch", status: "validating", created_at: 1_795_000_000 };

async function connect(body: object, stackName = "offpeak") {
  const { origin, received } = await startStub({ status: 200, body: JSON.stringify(body) });
  const objects = new MemoryObjectStore({ chunkBytes: 7 });
  const client = openAiClient({ apiKey: "sk-test", baseUrl: `${origin}/v1` });
  return { provider: openAiBatchProvider({ client, objects, stackName }), objects, received };
}

test("an upload names its purpose and expires", async () => {
  const { provider, objects, received } = await connect({ id: "file-1" });
  await objects.put("input", '{"custom_id":"é\u2028"}\n');
  expect(await provider.upload({ key: "input", name: "b-1.jsonl" })).toBe("file-1");
  const form = await new Response(received[0]?.body, {
    headers: { "content-type": String(received[0]?.headers["content-type"]) },
  }).formData();
  expect([...form.keys()].toSorted()).toEqual([
    "expires_after[anchor]",
    "expires_after[seconds]",
    "file",
    "purpose",
  ]);
  expect(form.get("purpose")).toBe("batch");
  expect(form.get("expires_after[seconds]")).toBe("2592000");
  const file = form.get("file");
  expect(file).toMatchObject({ name: "b-1.jsonl" });
  expect(file instanceof Blob && (await file.text())).toBe('{"custom_id":"é\u2028"}\n');
});

test("a create carries the stack and the batch id", async () => {
  const { provider, received } = await connect(CREATED);
  await provider.create({
    batchId: BATCH,
    endpoint: "/v1/embeddings",
    inputKey: "input",
    inputFileId: "file-1",
  });
  expect(received).toMatchObject([{ method: "POST", url: "/v1/batches" }]);
  expect(JSON.parse(received[0]?.body ?? "")).toEqual({
    endpoint: "/v1/embeddings",
    input_file_id: "file-1",
    completion_window: "24h",
    metadata: { offpeak_stack: "offpeak", offpeak_batch_id: BATCH },
    output_expires_after: { anchor: "created_at", seconds: 2_592_000 },
  });
});

test("only batches of this stack are known by their id", async () => {
  const named = (stack: string, id: string) => ({
    ...CREATED,
    id: `${stack}-${id}`,
    metadata: { offpeak_stack: stack, offpeak_batch_id: id },
  });
  const data = [
    named("offpeak", BATCH),
    named("offpeak-2", BATCH),
    named("offpeak", "mine"),
    { ...CREATED, metadata: null },
  ];
  const { provider } = await connect({ object: "list", data, has_more: false });
  const listed = await gather(provider.listSince(0));
  expect(listed.map(({ batchId }) => batchId)).toEqual([BATCH, null, null, null]);
});

test("the second of `since` itself counts: creation times are rounded down", async () => {
  const { provider } = await connect({ object: "list", data: [CREATED], has_more: false });
  expect(await gather(provider.listSince(CREATED.created_at * 1000 + 999))).toHaveLength(1);
  expect(await gather(provider.listSince(CREATED.created_at * 1000 + 1000))).toHaveLength(0);
});

test("a failed batch says which lines were wrong; missing fields have their defaults", async () => {
  const errors = {
    object: "list",
    data: [{ code: "invalid_json_line", line: 3, message: "no", param: null }, { line: null }],
  };
  const { provider } = await connect({ ...CREATED, status: "failed", failed_at: 1_795_000_060, errors });
  expect(await provider.get("batch_1")).toEqual({
    id: "batch_1",
    phase: "ended",
    status: "failed",
    stage: "ended",
    stageSince: 1_795_000_060_000,
    createdAt: 1_795_000_000_000,
    endedAt: 1_795_000_060_000,
    counts: { total: 0, completed: 0, failed: 0 },
    errors: [
      { code: "invalid_json_line", line: 3, message: "no" },
      { code: "unknown", line: null, message: "the provider gave no reason" },
    ],
    inputFileId: null,
    outputFileId: null,
    errorFileId: null,
  });
});

test("an output that the provider does not have is empty", async () => {
  const { provider, received } = await connect({ ...CREATED, status: "completed", output_file_id: null });
  const batch = await provider.get("batch_1");
  expect(await gather(provider.output(batch, "output"))).toEqual([]);
  expect(received).toHaveLength(1);
});

const MOMENTS = { in_progress_at: 1_795_000_010, finalizing_at: 1_795_000_020, cancelling_at: 1_795_000_030 };

test.each([
  ["validating", {}, "validating", 0],
  ["in_progress", MOMENTS, "in-progress", 10],
  ["in_progress", {}, "in-progress", 0],
  ["finalizing", MOMENTS, "finalizing", 20],
  ["finalizing", { in_progress_at: 1_795_000_010 }, "finalizing", 10],
  ["cancelling", MOMENTS, "cancelling", 30],
  ["cancelling", {}, "cancelling", 0],
  ["a state of another server", MOMENTS, "in-progress", 10],
])("a batch that is %s with %j is %s since second %i", async (status, moments, stage, second) => {
  const { provider } = await connect({ ...CREATED, status, ...moments });
  const batch = await provider.get("batch_1");
  expect(batch).toMatchObject({ phase: "running", stage, stageSince: (1_795_000_000 + second) * 1000 });
});

test("every file of a batch is deleted, whatever becomes of the others", async () => {
  const files = { input_file_id: "file-in", output_file_id: "file-out", error_file_id: "file-err" };
  const { provider, received } = await connect({ ...CREATED, status: "completed", ...files });
  const batch = await provider.get("batch_1");
  await provider.deleteFiles(batch);
  expect(
    received
      .slice(1)
      .map(({ method, url }) => `${method} ${url}`)
      .toSorted(),
  ).toEqual(["DELETE /v1/files/file-err", "DELETE /v1/files/file-in", "DELETE /v1/files/file-out"]);
});
