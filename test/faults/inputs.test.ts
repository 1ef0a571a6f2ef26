import { expect } from "vitest";
import { MemoryObjectStore } from "../../lambdas/adapters/memory-object-store.ts";
import type { BatchId } from "../../lambdas/domain/ids.ts";
import { batchInputKey } from "../../lambdas/domain/object-keys.ts";
import { refusalReason } from "../../lambdas/domain/whole-batch.ts";
import { connectProvider } from "./support/connect-provider.ts";
import { attemptsOf, batchSizes, expectSettled, firstResults } from "./support/expect-settled.ts";
import type { FaultBench } from "./support/fault-bench.ts";
import { faultTest } from "./support/fault-table.ts";

/** Has the first batch's input changed before it is sent: something that our own code would never write. */
function spoilFirstInput(bench: FaultBench, spoil: (lines: string[]) => void): void {
  bench.interruptions = {
    written: async (batchId: BatchId) => {
      bench.interruptions = {};
      const bytes = await bench.objects.get(batchInputKey(batchId));
      const lines = Buffer.from(bytes ?? [])
        .toString()
        .split("\n");
      spoil(lines);
      await bench.objects.put(batchInputKey(batchId), lines.join("\n"));
    },
  };
}

const lanesOf = (bench: FaultBench) => firstResults(bench).map(({ lane }) => lane);

faultTest("the input is refused over a row that the provider names", {}, async (bench) => {
  bench.fault({ kind: "fail-batch", code: "invalid_value", message: "Bad row.", lines: [2, 5] });
  await bench.send(6);
  await bench.run();
  expect(batchSizes(bench)).toEqual([0, 4]);
  await expectSettled(bench, { failed: { "job-1": "invalid_value", "job-4": "invalid_value" } });
});

faultTest("the input is refused and no row is named", {}, async (bench) => {
  const words = { code: "invalid_request", message: "Something is wrong." };
  bench.fault({ kind: "fail-batch", ...words, containing: "confirm job-3,", times: 20 });
  await bench.send(8);
  await bench.run();
  // Halved until one request is left, which is then called by itself; the others are found good on the way.
  expect(
    batchSizes(bench)
      .filter((requests) => requests > 0)
      .toSorted(),
  ).toEqual([1, 2, 4]);
  expect(bench.simulator.batches().filter(({ status }) => status === "failed")).toHaveLength(4);
  expect(lanesOf(bench)).toEqual(["batch", "batch", "batch", "sync", "batch", "batch", "batch", "batch"]);
  expect(bench.letters).toEqual([]);
  await expectSettled(bench);
});

faultTest("an id stands twice in the input", {}, async (bench) => {
  spoilFirstInput(bench, (lines) => lines.splice(1, 1, lines[0] ?? ""));
  await bench.send(6);
  await bench.run();
  if (bench.name === "openai") expect(lanesOf(bench).filter((lane) => lane === "sync")).toEqual(["sync"]);
  else expect(batchSizes(bench)).toEqual([3, 3]);
  expect(bench.letters).toEqual([]);
  await expectSettled(bench);
});

faultTest("the input mixes models", {}, async (bench) => {
  spoilFirstInput(bench, (lines) => {
    lines[3] = lines[3]?.replace("gpt-4.1-nano", "gpt-4.1-mini") ?? "";
  });
  await bench.send(6);
  await bench.run();
  expect(lanesOf(bench)).toEqual(["batch", "batch", "batch", "sync", "batch", "batch"]);
  await expectSettled(bench);
});

faultTest("a row of the input is not JSON", {}, async (bench) => {
  spoilFirstInput(bench, (lines) => lines.splice(2, 1, '{"custom_id":'));
  await bench.send(6);
  await bench.run();
  expect(batchSizes(bench)).toEqual([0, 5]);
  await expectSettled(bench, { failed: { "job-2": "invalid_json_line" } });
});

// Eight of the requests wait with more tokens than the account may queue, four with fewer.
const TIGHT = { enqueuedTokenLimits: { "gpt-4.1-nano": 80 } };

faultTest("the batch fails for its tokens after its create was answered well", TIGHT, async (bench) => {
  await bench.send(8);
  await bench.run();
  expect(bench.simulator.batches().map(({ status }) => status)).toEqual(["failed", "completed", "completed"]);
  expect(batchSizes(bench)).toEqual([0, 4, 4]);
  expect(attemptsOf(bench)).toEqual(Array.from({ length: 8 }, () => 2));
  await expectSettled(bench);
});

const HELD = { ...TIGHT, failedTokenHoldSeconds: 3000 };

faultTest("a batch that failed for its tokens holds them for a while", HELD, async (bench) => {
  await bench.send(8);
  await bench.run();
  const failed = bench.simulator.batches().filter(({ status }) => status === "failed");
  expect(failed.length).toBeGreaterThan(1);
  // However often it was put back, no attempt counted: nothing went to the dead letters.
  expect(bench.letters).toEqual([]);
  await expectSettled(bench);
});

faultTest("the input is larger than the provider takes", {}, async (bench) => {
  const [operation, status] = (
    { openai: ["openai.files.create", 400], anthropic: ["anthropic.batches.create", 413] } as const
  )[bench.name];
  const message =
    bench.name === "openai" ? await wordsForTooLarge(bench) : "Request exceeds the maximum size.";
  bench.fault({ kind: "http-error", operation, status, message });
  await bench.send(8);
  await bench.run();
  expect(batchSizes(bench)).toEqual([4, 4]);
  await expectSettled(bench);
});

/** What a file of more than 200 MB is told at the upload. */
async function wordsForTooLarge({ simulator }: FaultBench): Promise<string> {
  const objects = new MemoryObjectStore();
  const chunk = Buffer.alloc(1024 * 1024, "x");
  objects.stream = async function* () {
    for (let sent = 0; sent <= 200; sent += 1) yield chunk;
  };
  const { batchProvider } = connectProvider("openai", simulator, objects);
  const failure: unknown = await batchProvider
    .upload({ key: "large", name: "large.jsonl" })
    .catch((error: unknown) => error);
  expect(failure).toMatchObject({ name: "ProviderRefusalError" });
  const { code, message } = failure as { code: string; message: string };
  expect(refusalReason({ code, message }).seen).toBe("too-large");
  return message;
}
