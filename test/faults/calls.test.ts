import { expect } from "vitest";
import { RetryableError } from "../../lambdas/domain/failures.ts";
import type { BatchId } from "../../lambdas/domain/ids.ts";
import { encodeRequestLine } from "../../lambdas/domain/request-line.ts";
import type { Operation } from "../../local/provider-simulator/faults.ts";
import { CALLS } from "./support/draw-faults.ts";
import { attemptsOf, batchSizes, expectSettled } from "./support/expect-settled.ts";
import type { FaultBench } from "./support/fault-bench.ts";
import { faultTest } from "./support/fault-table.ts";

const MINUTE = 60_000;

const createOf = ({ name }: FaultBench): Operation => `${name}.batches.create`;

faultTest("the create's answer is lost", {}, async (bench) => {
  bench.fault({ kind: "lost-answer", operation: createOf(bench) });
  await bench.send(6);
  await bench.run();
  expect(bench.retried).toEqual(["LostAnswerError"]);
  expect(batchSizes(bench)).toEqual([6]);
  await expectSettled(bench);
});

faultTest("a new batch is missing from the list for a while", {}, async (bench) => {
  bench.fault({ kind: "lost-answer", operation: createOf(bench) });
  bench.fault({ kind: "list-lag", lists: 1 });
  await bench.send(6);
  await bench.run();
  expect(bench.retried).toEqual(["LostAnswerError", "RetryableError"]);
  expect(batchSizes(bench)).toEqual([6]);
  await expectSettled(bench);
});

faultTest("the create is repeated after a lost answer, and both batches are billed", {}, async (bench) => {
  bench.fault({ kind: "lost-answer", operation: createOf(bench) });
  bench.fault({ kind: "list-lag", lists: 5 });
  await bench.send(6);
  await bench.run();
  expect(batchSizes(bench)).toEqual([6, 6]);
  // The sweeps of the next minutes find the batch that nobody knows of.
  for (let sweep = 0; sweep < 6; sweep += 1) {
    await bench.pass(5 * MINUTE);
    await bench.run();
  }
  expect(bench.simulator.invoice().lines).toHaveLength(12);
  expect(attemptsOf(bench)).toEqual([1, 1, 1, 1, 1, 1]);
  await expectSettled(bench);
});

faultTest("a batch that nobody knew of has lines that nobody sent", {}, async (bench) => {
  bench.fault({ kind: "damaged-output", unknown: 40 });
  bench.fault({ kind: "lost-answer", operation: createOf(bench) });
  bench.fault({ kind: "list-lag", lists: 5 });
  await bench.send(6);
  await bench.run();
  for (let sweep = 0; sweep < 6; sweep += 1) {
    await bench.pass(5 * MINUTE);
    await bench.run();
  }
  expect(batchSizes(bench)).toEqual([6, 6]);
  await expectSettled(bench);
});

faultTest("another's batch is taken for ours after a lost answer", {}, async (bench) => {
  // As many requests, created when ours was to be, and a line in its output that is nobody's.
  const params = { model: "claude-haiku-4-5", max_tokens: 9, messages: [{ role: "user", content: "Hi." }] };
  const lines = Array.from({ length: 6 }, (_, index) =>
    encodeRequestLine("anthropic", `other-${index}`, "/v1/messages", params),
  );
  await bench.objects.put("other.jsonl", lines.join(""));
  bench.fault({ kind: "damaged-output", unparseable: 1 });
  const other = await bench.batchProvider.create({
    batchId: "b-otherotherotherother" as BatchId,
    endpoint: "/v1/messages",
    inputKey: "other.jsonl",
    inputFileId: null,
  });
  bench.fault({ kind: "http-error", operation: createOf(bench), status: 500 });
  await bench.send(6);
  await bench.run();
  expect(batchSizes(bench)).toEqual([6, 6]);
  // It is left as it was, to whoever made it.
  expect(await bench.batchProvider.get(other.id)).toMatchObject({ phase: "ended" });
  expect(await bench.batches.providerBatchOwner(bench.name, other.id)).toBeUndefined();
  await expectSettled(bench, { foreign: other.id });
});

faultTest("the worker dies after the provider took the batch", {}, async (bench) => {
  const { batches } = bench;
  const [recordSubmitted, unlease] = [batches.recordSubmitted.bind(batches), batches.unlease.bind(batches)];
  batches.recordSubmitted = async () => {
    batches.recordSubmitted = recordSubmitted;
    throw new RetryableError("the worker died");
  };
  // The dead give nothing back: the lease ends by itself.
  batches.unlease = async () => {
    batches.unlease = unlease;
  };
  await bench.send(6);
  await bench.run();
  expect(bench.retried[0]).toBe("RetryableError");
  expect(new Set(bench.retried.slice(1))).toEqual(new Set(["LeaseHeldError"]));
  expect(batchSizes(bench)).toEqual([6]);
  await expectSettled(bench);
});

faultTest("a new batch is not found for a while", {}, async (bench) => {
  bench.fault({ kind: "not-found-after-create", reads: 3 });
  await bench.send(6);
  await bench.run();
  expect(bench.retried).toEqual(["BatchNotFoundError", "BatchNotFoundError", "BatchNotFoundError"]);
  expect(batchSizes(bench)).toEqual([6]);
  await expectSettled(bench);
});

faultTest("an uploaded file is not found for a while", {}, async (bench) => {
  bench.fault({ kind: "http-error", operation: "openai.batches.create", status: 404, times: 2 });
  await bench.send(6);
  await bench.run();
  expect(bench.simulator.faults.list()).toEqual([]);
  expect(batchSizes(bench)).toEqual([6]);
  await expectSettled(bench);
});

faultTest("the account is over its billing limit when the batch is created", {}, async (bench) => {
  const refuse = (status: number, code: string, message: string, times: number) =>
    bench.fault({ kind: "http-error", operation: createOf(bench), status, code, message, times });
  if (bench.name === "openai") {
    refuse(400, "billing_hard_limit_reached", "Billing hard limit has been reached.", 3);
    refuse(429, "insufficient_quota", "You exceeded your current quota.", 2);
  } else {
    refuse(400, "", "Your credit balance is too low to access the Anthropic API.", 5);
  }
  const start = bench.runtime.now();
  await bench.send(6);
  await bench.run();
  expect(bench.simulator.faults.list()).toEqual([]);
  expect(batchSizes(bench)).toEqual([6]);
  // Half an hour for each refusal; more of them than a job has attempts burn nothing.
  expect(bench.runtime.now() - start).toBeGreaterThanOrEqual(5 * 30 * MINUTE);
  expect(bench.letters).toEqual([]);
  await expectSettled(bench);
});

/** Has every call fail once on the way of six jobs whose first batch must be cancelled, and of an urgent one. */
async function runWithFailingCalls(
  bench: FaultBench,
  failure: { readonly status: number; readonly retryAfterSeconds?: number },
): Promise<void> {
  for (const operation of CALLS[bench.name]) bench.fault({ kind: "http-error", operation, ...failure });
  bench.fault({ kind: "stuck-batch", status: "in_progress", afterLines: 3 });
  await bench.send(6);
  await bench.sendUrgent();
  await bench.run();
  expect(bench.simulator.faults.list()).toEqual([]);
  expect(batchSizes(bench)).toEqual([6, 3]);
  await expectSettled(bench);
}

const LONG_WINDOW = { speed: 0.5 };

faultTest("429 with a time to wait, at every call", LONG_WINDOW, (bench) =>
  runWithFailingCalls(bench, { status: 429, retryAfterSeconds: 0.05 }),
);

faultTest("429 without a time to wait, at every call", LONG_WINDOW, (bench) =>
  runWithFailingCalls(bench, { status: 429 }),
);

faultTest("5xx at every call", LONG_WINDOW, (bench) =>
  runWithFailingCalls(bench, { status: bench.name === "openai" ? 503 : 529 }),
);

faultTest("a direct call meets 429, 5xx and a lost answer", {}, async (bench) => {
  const operation = bench.name === "openai" ? "openai.chat.completions" : "anthropic.messages";
  bench.fault({ kind: "http-error", operation, status: 429, retryAfterSeconds: 2 });
  bench.fault({ kind: "http-error", operation, status: 500 });
  await bench.sendUrgent();
  bench.fault({ kind: "lost-answer", operation });
  await bench.sendUrgent();
  await bench.run();
  // The lost call was billed as the one after it was: the ledger names it, with an estimate.
  expect(attemptsOf(bench)).toEqual([3, 2]);
  const { lines } = bench.simulator.invoice();
  expect(lines).toHaveLength(3);
  await expectSettled(bench, { lostCalls: 1 });
  const confirmed = (await bench.entries()).filter(({ kind }) => kind === "direct");
  const billed = lines.map(({ picoUsd }) => picoUsd).toSorted();
  const twice = lines[2]?.picoUsd ?? "";
  expect([...confirmed.map(({ costPicoUsd }) => costPicoUsd), twice].toSorted()).toEqual(billed);
});
