import { expect, test } from "vitest";
import { MemoryObjectStore } from "../../../../lambdas/adapters/memory-object-store.ts";
import { openAiBatchProvider } from "../../../../lambdas/adapters/providers/openai-batch-provider.ts";
import { openAiClient } from "../../../../lambdas/adapters/providers/provider-clients.ts";
import { gather } from "../../../contracts/gather.ts";
import { startStub } from "./stub-server.ts";

async function outputOf(request_counts: object, fields: object = {}) {
  const batch = { id: "batch_1", status: "completed", created_at: 1_795_000_000, request_counts, ...fields };
  const { origin } = await startStub({ status: 200, body: JSON.stringify(batch) });
  const client = openAiClient({ apiKey: "sk-test", baseUrl: `${origin}/v1` });
  const provider = openAiBatchProvider({ client, objects: new MemoryObjectStore(), stackName: "offpeak" });
  return gather(provider.output(await provider.get("batch_1"), "output"));
}

test("answers that are counted and not shown yet are no empty output: they were billed", async () => {
  await expect(outputOf({ total: 3, completed: 2, failed: 1 })).rejects.toMatchObject({
    name: "ResultsGoneError",
  });
});

test.each([
  ["every line failed", { total: 3, completed: 0, failed: 3 }],
  ["every line failed, and the server counts those as completed too", { total: 3, completed: 3, failed: 3 }],
  ["nothing was run", { total: 0, completed: 0, failed: 0 }],
])("no output is named and none is missing: %s", async (_what, counts) => {
  expect(await outputOf(counts, { output_file_id: null })).toEqual([]);
});
