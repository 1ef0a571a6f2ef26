import { expect } from "vitest";
import { attemptsOf, batchSizes, expectSettled } from "./support/expect-settled.ts";
import { faultTest } from "./support/fault-table.ts";
import type { FaultBench } from "./support/fault-bench.ts";

const HALF_HOUR = 30 * 60_000;

const allFailed = (bench: FaultBench, code: string) =>
  Object.fromEntries(bench.sent.map((key) => [key, code]));

faultTest("every line fails, so there is no output file", {}, async (bench) => {
  bench.fault({ kind: "line-error", status: 400, fraction: 1 });
  await bench.send(6);
  await bench.run();
  expect(batchSizes(bench)).toEqual([6]);
  expect(bench.simulator.invoice().lines).toEqual([]);
  await expectSettled(bench, { failed: allFailed(bench, "invalid_request_error") });
});

faultTest("a refusal stands in the response's status while the error is null", {}, async (bench) => {
  bench.fault({ kind: "line-error", status: 422, code: "too_strange", fromLine: 4 });
  await bench.send(6);
  await bench.run();
  expect(batchSizes(bench)).toEqual([6]);
  await expectSettled(bench, { failed: { "job-4": "too_strange", "job-5": "too_strange" } });
});

faultTest("some lines meet a rate limit or an error of the provider's", {}, async (bench) => {
  bench.fault({ kind: "line-error", status: 429, fromLine: 4 });
  bench.fault({ kind: "line-error", status: 500, fromLine: 1 });
  await bench.send(6);
  await bench.run();
  expect(batchSizes(bench)).toEqual([6, 2, 1]);
  await expectSettled(bench);
  expect(attemptsOf(bench)).toEqual([1, 1, 1, 1, 2, 3]);
});

faultTest("a parameter that the model does not support fails every line", {}, async (bench) => {
  const unsupported = { model: "gpt-5-nano", temperature: 0.2 };
  if (bench.name === "anthropic")
    bench.fault({ kind: "line-error", status: 400, message: "temperature: not supported", fraction: 1 });
  await bench.send(6, bench.name === "openai" ? unsupported : { temperature: 0.2 });
  await bench.run();
  expect(batchSizes(bench)).toEqual([6]);
  expect(bench.simulator.invoice().lines).toEqual([]);
  const code = bench.name === "openai" ? "unsupported_value" : "invalid_request_error";
  await expectSettled(bench, { failed: allFailed(bench, code) });
});

faultTest("the account's credit runs out in the middle of a batch", {}, async (bench) => {
  const words = {
    openai: { status: 429, code: "insufficient_quota", message: "You exceeded your current quota." },
    anthropic: { status: 400, message: "Your credit balance is too low to access the Anthropic API." },
  }[bench.name];
  // Five times, more often than a job has attempts.
  bench.fault({ kind: "line-error", ...words, fromLine: 2, times: 1 });
  bench.fault({ kind: "line-error", ...words, fromLine: 0, times: 4 });
  await bench.send(6);
  await bench.run();
  expect(batchSizes(bench)).toEqual([6, 4, 4, 4, 4, 4]);
  const created = bench.simulator.batches().map(({ createdAt }) => Date.parse(createdAt));
  for (const [index, at] of created.slice(1).entries())
    expect(at - (created[index] ?? 0)).toBeGreaterThanOrEqual(HALF_HOUR);
  expect(await bench.batches.holdOf(bench.name)).toMatchObject({ message: words.message });
  expect(bench.letters).toEqual([]);
  await expectSettled(bench);
});

faultTest("lines are missing", {}, async (bench) => {
  bench.fault({ kind: "damaged-output", missing: 2 });
  await bench.send(6);
  await bench.run();
  expect(batchSizes(bench)).toEqual([6, 2]);
  await expectSettled(bench);
  expect(attemptsOf(bench)).toEqual([2, 2, 1, 1, 1, 1]);
});

faultTest("lines are repeated", {}, async (bench) => {
  bench.fault({ kind: "damaged-output", repeated: 3 });
  await bench.send(6);
  await bench.run();
  expect(batchSizes(bench)).toEqual([6]);
  expect(bench.simulator.invoice().lines).toHaveLength(6);
  await expectSettled(bench);
});

faultTest("lines contradict each other", {}, async (bench) => {
  bench.fault({ kind: "damaged-output", conflicting: 3 });
  await bench.send(6);
  await bench.run();
  expect(batchSizes(bench)).toEqual([6]);
  expect(attemptsOf(bench)).toEqual([1, 1, 1, 1, 1, 1]);
  await expectSettled(bench);
});

faultTest("lines come in another order", { seed: "another order" }, async (bench) => {
  const order: string[] = [];
  const output = bench.batchProvider.output.bind(bench.batchProvider);
  bench.batchProvider.output = async function* (batch, file) {
    const chunks = await Array.fromAsync(output(batch, file));
    order.push(
      ...(Buffer.concat(chunks)
        .toString()
        .match(/job-\d+, as ordered|job-\d+/g) ?? []),
    );
    yield* chunks;
  };
  await bench.send(20);
  await bench.run();
  const first = [...new Set(order.map((text) => text.split(",")[0]))];
  expect(first).toHaveLength(20);
  expect(first).not.toEqual(bench.sent);
  // Each job's answer holds its own key: none was given another's.
  await expectSettled(bench);
});

faultTest("a line is not JSON", {}, async (bench) => {
  bench.fault({ kind: "damaged-output", unparseable: 2 });
  await bench.send(6);
  await bench.run();
  expect(batchSizes(bench)).toEqual([6, 2]);
  expect(attemptsOf(bench)).toEqual([2, 2, 1, 1, 1, 1]);
  await expectSettled(bench);
});

faultTest("lines answer requests that nobody sent", {}, async (bench) => {
  bench.fault({ kind: "damaged-output", unknown: 3 });
  await bench.send(6);
  await bench.run();
  expect(batchSizes(bench)).toEqual([6]);
  const [batch] = await Array.fromAsync(bench.batches.listPlanned(bench.name, 0, Infinity));
  const record = batch && (await bench.batches.get(batch.batchId));
  expect(record?.outcome).toEqual({ answered: 6, failed: 0, surplus: 3 });
  await expectSettled(bench);
});
