import { beforeEach, describe, expect, test } from "vitest";
import type { Ending } from "../../lambdas/adapters/providers/memory-batch-provider.ts";
import { ProviderRefusalError } from "../../lambdas/domain/failures.ts";
import type { BatchId } from "../../lambdas/domain/ids.ts";
import {
  answerAll,
  answerLine,
  customIdOfLine,
  errorLine,
  jobMessage,
  MemoryGateway,
} from "./support/memory-gateway.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
let gateway: MemoryGateway;

beforeEach(async () => {
  gateway = new MemoryGateway();
  await gateway.addTenant({ tenantId: "acme" });
});

/** Admits jobs and has the only batch of the next window. */
async function batchOf(jobs: number): Promise<BatchId> {
  const messages = Array.from({ length: jobs }, (_, number) =>
    gateway.message(jobMessage({ idempotencyKey: `job-${number}`, tier: "low" })),
  );
  await gateway.admit(messages);
  return only(await gateway.window());
}

function only<Item>(items: readonly Item[]): Item {
  expect(items).toHaveLength(1);
  return items[0]!;
}

const failing = (refusals: Ending["refusals"]) => (): Ending => ({ status: "failed", output: [], refusals });

async function requestsOf(batchId: BatchId): Promise<number> {
  return (await gateway.batches.get(batchId))!.plan.requests;
}

const paid = async () =>
  (await gateway.entries("acme"))
    .filter(({ kind }) => kind === "batch")
    .reduce((sum, entry) => sum + entry.answers, 0);

describe("a batch that fails at validation", () => {
  test("the rows named fail, the others go on without having used an attempt", async () => {
    const oneRow = failing([{ code: "invalid_value", line: 1, message: "row 1 is bad" }]);
    await gateway.runBatch(await batchOf(6), oneRow);
    expect(await gateway.results("acme")).toMatchObject([
      { status: "failed", error: { code: "invalid_value", message: "row 1 is bad" } },
    ]);
    // Three failures that counted would be the last.
    for (let time = 0; time < 4; time += 1) {
      await gateway.runBatch(only(await gateway.window()), oneRow);
      expect(await gateway.results("acme")).toMatchObject([{ status: "failed" }]);
    }
    await gateway.runBatch(only(await gateway.window()), answerAll);
    expect(await gateway.results("acme")).toMatchObject([{ status: "succeeded", attempts: 6 }]);
  });

  test("without a row named it is halved until one request is left, which is called alone", async () => {
    let bad: string | undefined;
    const decide = (lines: readonly string[]): Ending => {
      bad ??= customIdOfLine(lines[4]!).replace(/-\d+$/, "");
      const holdsBad = lines.some((line) => customIdOfLine(line).startsWith(bad!));
      return holdsBad
        ? failing([{ code: "unknown", line: null, message: "something is wrong" }])()
        : answerAll(lines);
    };
    await gateway.runBatch(await batchOf(7), decide);
    const sizes: number[] = [];
    for (let planned = await gateway.window(); planned.length > 0; planned = await gateway.window()) {
      for (const batchId of planned) {
        sizes.push(await requestsOf(batchId));
        await gateway.runBatch(batchId, decide);
      }
    }
    // 7 = 4 + 3; the bad one is the fifth: 3 = 2 + 1, 2 = 1 + 1.
    expect(sizes.toSorted()).toEqual([1, 1, 1, 2, 3, 4].toSorted());
    expect(await gateway.results("acme")).toHaveLength(6);
    const request = only(gateway.runs.take());
    expect(request).toMatchObject({ kind: "run", reason: "alone", jobId: bad });
    gateway.answer = () => ({ statusCode: 400, retryAfterMs: null, body: { error: { message: "bad" } } });
    await gateway.runRequested(request);
    expect(await gateway.results("acme")).toMatchObject([{ status: "failed", lane: "sync", jobId: bad }]);
    expect(gateway.calls).toBe(1);
  });

  test("over the waiting tokens it comes back in halves, one later than the other, and no attempt counts", async () => {
    const limit = failing([
      { code: "token_limit_exceeded", line: null, message: "Enqueued token limit reached" },
    ]);
    await gateway.runBatch(await batchOf(4), limit);
    expect(await gateway.window()).toEqual([]);
    gateway.now += 10 * MINUTE;
    const first = only(await gateway.window());
    expect(await requestsOf(first)).toBe(2);
    gateway.now += 10 * MINUTE;
    const second = only(await gateway.window());
    expect(await requestsOf(second)).toBe(2);
    for (const batchId of [first, second]) await gateway.runBatch(batchId, answerAll);
    expect(await gateway.results("acme")).toHaveLength(4);
    expect((await gateway.batches.get(first))!.outcome).toEqual({ answered: 2, failed: 0, surplus: 0 });
  });

  test("over the billing limit the account is held, and nothing is burned", async () => {
    const limit = failing([{ code: "billing_hard_limit_reached", line: null, message: "pay first" }]);
    await gateway.runBatch(await batchOf(2), limit);
    for (let window = 0; window < 5; window += 1) expect(await gateway.window()).toEqual([]);
    expect(await gateway.batches.holdOf("openai")).toMatchObject({ code: "billing_hard_limit_reached" });
    for (let time = 0; time < 4; time += 1) {
      gateway.now += 30 * MINUTE;
      await gateway.runBatch(only(await gateway.window()), limit);
    }
    gateway.now += 30 * MINUTE;
    await gateway.runBatch(only(await gateway.window()), answerAll);
    expect(await gateway.results("acme")).toMatchObject([{ status: "succeeded" }, { status: "succeeded" }]);
  });

  test("over how it was put together its rows are called alone", async () => {
    await gateway.runBatch(
      await batchOf(2),
      failing([{ code: "duplicate_custom_id", line: 1, message: "seen before" }]),
    );
    expect(gateway.runs.take()).toMatchObject([{ kind: "run", reason: "alone" }]);
    expect(await requestsOf(only(await gateway.window()))).toBe(1);
  });
});

describe("a create that is refused", () => {
  const refuse = (code: string, message: string) => {
    gateway.provider.create = async () => {
      throw new ProviderRefusalError(code, message);
    };
  };

  test("for its size: the batch is halved", async () => {
    const batchId = await batchOf(4);
    refuse("invalid_request_error", "The file exceeds the maximum size of 200 MB");
    await gateway.runBatch(batchId, answerAll);
    expect(await Promise.all((await gateway.window()).map(requestsOf))).toEqual([2, 2]);
  });

  test("where there is no batch service the jobs are called alone", async () => {
    const batchId = await batchOf(2);
    refuse("http_404", "no such route");
    await gateway.runBatch(batchId, answerAll);
    expect(gateway.runs.take()).toMatchObject([{ reason: "alone" }, { reason: "alone" }]);
    expect(await gateway.window()).toEqual([]);
  });
});

describe("low credit", () => {
  test("errors on thousands of lines cost no attempt and hold the account", async () => {
    const broke = (lines: readonly string[]): Ending => ({
      status: "completed",
      output: [],
      errors: lines.map((line) => errorLine(line, 429, "insufficient_quota")),
    });
    await gateway.runBatch(await batchOf(3), broke);
    expect(await gateway.window()).toEqual([]);
    for (let time = 0; time < 4; time += 1) {
      gateway.now += 30 * MINUTE;
      await gateway.runBatch(only(await gateway.window()), broke);
    }
    expect(gateway.deadLetters.take("low")).toEqual([]);
    gateway.now += 30 * MINUTE;
    await gateway.runBatch(only(await gateway.window()), answerAll);
    expect(await gateway.results("acme")).toHaveLength(3);
  });
});

describe("a stuck batch", () => {
  test.each([
    ["validating", 4 * HOUR],
    ["finalizing", 4 * HOUR],
    ["in-progress", 25 * HOUR],
  ] as const)("in %s is cancelled after its time, and what it finished is kept", async (stage, limit) => {
    const batchId = await batchOf(2);
    await gateway.submit(batchId);
    const id = only(gateway.provider.created);
    gateway.provider.enter(id, stage, stage);
    gateway.provider.cancel = async () =>
      gateway.provider.end(id, (lines) => ({ status: "cancelled", output: [answerLine(lines[0]!)] }));
    gateway.now += limit - 1;
    expect(await gateway.poll(batchId)).toMatchObject({ phase: "running", stuck: false });
    gateway.now += 1;
    expect(await gateway.poll(batchId)).toMatchObject({ phase: "running", stuck: true });
    expect(await gateway.poll(batchId)).toMatchObject({ phase: "ended" });
    await gateway.finish(batchId);
    expect(await gateway.results("acme")).toHaveLength(1);
    expect(await paid()).toBe(1);
    await gateway.runBatch(only(await gateway.window()), answerAll);
    expect(await gateway.results("acme")).toMatchObject([{ status: "succeeded", attempts: 2 }]);
  });

  test("that hangs in cancelling is given up; what it bills in the end is charged all the same", async () => {
    const batchId = await batchOf(2);
    await gateway.submit(batchId);
    const id = only(gateway.provider.created);
    gateway.provider.hangWhenCancelled(id);
    gateway.now += 25 * HOUR;
    await gateway.poll(batchId);
    gateway.now += 2 * HOUR;
    expect(await gateway.poll(batchId)).toMatchObject({ phase: "ended", stuck: true });
    await gateway.finish(batchId);
    // Its jobs have moved on, and end there.
    await gateway.runBatch(only(await gateway.window()), answerAll);
    expect(await gateway.results("acme")).toMatchObject([{ status: "succeeded" }, { status: "succeeded" }]);
    // The given-up batch is watched as an orphan, which the sweeper starts.
    const sweep = await gateway.sweep();
    expect(sweep).toMatchObject({ batchesStarted: 1, failures: [] });
    const orphan = only(
      (await Array.fromAsync(gateway.batches.listOpen("openai"))).map((one) => one.batchId),
    );
    expect(orphan).not.toBe(batchId);
    expect(await gateway.poll(orphan)).toMatchObject({ phase: "running" });
    gateway.provider.end(id, answerAll);
    expect(await gateway.poll(orphan)).toMatchObject({ phase: "ended" });
    await gateway.finish(orphan);
    expect(await paid()).toBe(4);
    expect(await gateway.results("acme")).toEqual([]);
    expect(await gateway.window()).toEqual([]);
  });
});

describe("results that are gone", () => {
  test("are waited for at first; then the jobs run again and the ledger names what may have been billed", async () => {
    const batchId = await batchOf(2);
    await gateway.submit(batchId);
    const id = only(gateway.provider.created);
    gateway.provider.end(id, answerAll);
    gateway.provider.loseResults(id);
    await expect(gateway.collect(batchId)).rejects.toThrow("cannot be read yet");
    gateway.now += HOUR;
    await gateway.finish(batchId);
    expect(await gateway.entries("acme")).toMatchObject([
      { kind: "unconfirmed", jobs: 0, answers: 0, batchId },
    ]);
    await gateway.runBatch(only(await gateway.window()), answerAll);
    expect(await gateway.results("acme")).toHaveLength(2);
  });
});

describe("answers that are odd", () => {
  const one = (body: unknown) => (lines: readonly string[]) => ({
    status: "completed",
    output: lines.map((line) => answerLine(line, body)),
  });
  const chat = (choice: unknown) => ({
    object: "chat.completion",
    choices: [choice],
    usage: { prompt_tokens: 5, completion_tokens: 1 },
  });

  test.each([
    ["refused", { finish_reason: "content_filter", message: {} }],
    ["truncated", { finish_reason: "length", message: { content: "and then" } }],
  ])("%s: a success that says so, and is billed", async (word, choice) => {
    await gateway.runBatch(await batchOf(1), one(chat(choice)));
    expect(await gateway.results("acme")).toMatchObject([
      { status: "succeeded", error: { code: `answer_${word}` }, usage: { inputTokens: 5 } },
    ]);
    expect(await paid()).toBe(1);
  });

  test("unreadable: called alone, and the ledger names what was surely billed", async () => {
    await gateway.runBatch(await batchOf(1), one({ object: "chat.completion", choices: [] }));
    expect(gateway.runs.take()).toMatchObject([{ reason: "alone", attempt: 2 }]);
    expect(await gateway.entries("acme")).toMatchObject([{ kind: "unconfirmed" }]);
  });
});

test("a job that was cancelled or answered meanwhile is not sent again", async () => {
  await gateway.runBatch(await batchOf(2), (lines) => ({
    status: "completed",
    output: [],
    errors: lines.map((line) => errorLine(line, 500)),
  }));
  await gateway.admit([
    gateway.message({ version: 1, tenantId: "acme", cancel: { idempotencyKey: "job-0" } }),
  ]);
  expect(await gateway.results("acme")).toMatchObject([{ status: "cancelled" }]);
  gateway.now += 10 * MINUTE;
  expect(await requestsOf(only(await gateway.window()))).toBe(1);
});

test("a job that nobody could run until a week after it was due expires, and is told", async () => {
  await gateway.runBatch(
    await batchOf(1),
    failing([{ code: "billing_hard_limit_reached", line: null, message: "pay first" }]),
  );
  await gateway.batches.hold("openai", { until: gateway.now + 100 * 24 * HOUR, code: "x", message: "y" });
  expect(await gateway.window()).toEqual([]);
  gateway.now += 9 * 24 * HOUR;
  expect(await gateway.window()).toEqual([]);
  const request = only(gateway.runs.take());
  expect(request).toMatchObject({ kind: "expire" });
  await gateway.runRequested(request);
  await gateway.runRequested(request);
  const results = await gateway.results("acme");
  expect(new Set(results.map(({ status }) => status))).toEqual(new Set(["expired"]));
  expect(await gateway.window()).toEqual([]);
});
