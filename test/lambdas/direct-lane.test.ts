import { beforeEach, describe, expect, test } from "vitest";
import { LostAnswerError, NotSentError } from "../../lambdas/domain/failures.ts";
import type { CallAnswer } from "../../lambdas/ports.ts";
import { RUN_LEASE_MS } from "../../lambdas/run-job/run-job.ts";
import { breakNext } from "./support/break-next.ts";
import { completion, jobMessage, MemoryGateway } from "./support/memory-gateway.ts";

const ANSWERED: CallAnswer = { statusCode: 200, retryAfterMs: null, body: completion() };
const refusal = (statusCode: number, retryAfterMs: number | null = null): CallAnswer => ({
  statusCode,
  retryAfterMs,
  body: { error: { code: "oops", message: "no" } },
});
/** gpt-5-nano at once: 1,000 tokens in at $0.05/M and 100 out at $0.40/M. */
const ONE_ANSWER_PICO = "90000000";

let gateway: MemoryGateway;

beforeEach(async () => {
  gateway = new MemoryGateway();
  await gateway.addTenant({ tenantId: "acme" });
});

const urgent = (fields: Record<string, unknown> = {}) =>
  gateway.message(jobMessage({ taskType: "email_draft", ...fields }), "high");

/** Answers calls in turn. */
function answers(...list: (CallAnswer | Error)[]) {
  gateway.answer = () => list.shift() ?? new Error("one call too many");
}

describe("an urgent job", () => {
  test("is called, delivered and charged at once", async () => {
    answers(ANSWERED);
    expect(await gateway.runMessage(urgent())).toBe("ended");
    expect(await gateway.results("acme")).toMatchObject([
      { status: "succeeded", lane: "sync", tier: "high", costPicoUsd: ONE_ANSWER_PICO, attempts: 1 },
    ]);
    expect(await gateway.entries("acme")).toMatchObject([
      { kind: "direct", jobs: 1, costPicoUsd: ONE_ANSWER_PICO },
    ]);
  });

  test("whose result is answered straight to its tenant's queue, and is the one that is stored", async () => {
    answers(ANSWERED);
    await gateway.runMessage(urgent());
    expect(gateway.deliveries.take()).toEqual([]);
    const [told] = await gateway.results("acme");
    const { result: place, ...stored } = told ?? { result: null };
    const { key = "", offset = 0, length = 0 } = place ?? {};
    const line = Buffer.from(await gateway.objects.getRange(key, offset, length)).toString();
    expect(JSON.parse(line)).toEqual(stored);
  });

  test("whose tenant's queue takes nothing is answered by way of the deliveries queue, and not called again", async () => {
    answers(ANSWERED);
    breakNext(gateway.queues, "send", "before");
    expect(await gateway.runMessage(urgent())).toBe("ended");
    expect(await gateway.entries("acme")).toHaveLength(1);
    expect(await gateway.results("acme")).toMatchObject([{ status: "succeeded", attempts: 1 }]);
  });

  test("whose message comes twice is called once and answered twice", async () => {
    answers(ANSWERED);
    const message = urgent();
    await gateway.runMessage(message);
    expect(await gateway.runMessage(message)).toBe("duplicate");
    expect(gateway.calls).toBe(1);
    expect(await gateway.results("acme")).toHaveLength(2);
    expect(await gateway.entries("acme")).toHaveLength(1);
  });

  test("waits and tries again after 429, for as long as the provider asks", async () => {
    answers(refusal(429, 2_000), refusal(429, 59_000), ANSWERED);
    const before = gateway.now;
    await gateway.runMessage(urgent());
    expect(gateway.now - before).toBe(2_000 + 59_000);
    expect(await gateway.results("acme")).toMatchObject([{ status: "succeeded", attempts: 3 }]);
  });

  test("goes back to its queue when the provider asks for more than a worker can wait; then it goes on", async () => {
    answers(refusal(429, 100_000), ANSWERED);
    const message = urgent();
    await expect(gateway.runMessage(message)).rejects.toMatchObject({ name: "ProviderBusyError" });
    expect(gateway.calls).toBe(1);
    gateway.now += RUN_LEASE_MS;
    expect(await gateway.runMessage(message)).toBe("ended");
    expect(await gateway.results("acme")).toMatchObject([{ status: "succeeded", attempts: 2 }]);
    expect(await gateway.entries("acme")).toMatchObject([{ kind: "direct" }]);
  });

  test("fails at once when the request itself is refused; nothing is charged", async () => {
    answers(refusal(400));
    await gateway.runMessage(urgent());
    expect(await gateway.results("acme")).toMatchObject([
      { status: "failed", error: { code: "oops", message: "no" } },
    ]);
    expect(await gateway.entries("acme")).toEqual([]);
  });

  test("goes to the dead letters after three failures, and ends for good when its last chance fails too", async () => {
    answers(refusal(500), refusal(503), refusal(500));
    expect(await gateway.runMessage(urgent())).toBe("dead-lettered");
    const [letter] = gateway.deadLetters.take("high");
    if (letter?.kind !== "job") throw new Error("no dead letter of a job");
    expect(await gateway.results("acme")).toEqual([]);
    answers(refusal(500), refusal(500), refusal(500));
    const { tenantId, jobId, source } = letter;
    const request = {
      version: 1,
      kind: "run",
      tenantId,
      jobId,
      source,
      reason: "dead-letter",
      attempt: null,
    } as const;
    expect(await gateway.runRequested(request)).toBe("ended");
    expect(await gateway.results("acme")).toMatchObject([{ status: "failed", attempts: 6 }]);
    expect(await gateway.runRequested(request)).toBe("duplicate");
  });

  test("a late copy of the request that ran it first finds nothing to do when it lies in the dead letters", async () => {
    answers(refusal(500), refusal(503), refusal(500));
    await gateway.admit([urgent()]);
    const [first] = gateway.runs.take();
    expect(first).toMatchObject({ kind: "run", reason: "direct-tier", attempt: 1 });
    expect(await gateway.runRequested(first!)).toBe("dead-lettered");
    expect(await gateway.runRequested(first!)).toBe("duplicate");
    expect(gateway.calls).toBe(3);
  });

  test("a call without an answer is named in the ledger with an estimate, and the next call is charged", async () => {
    answers(new LostAnswerError("cut"), ANSWERED);
    await gateway.runMessage(urgent());
    const entries = await gateway.entries("acme");
    expect(entries.map(({ kind, jobs }) => [kind, jobs])).toEqual([
      ["direct", 1],
      ["unconfirmed", 0],
    ]);
  });

  test("a call that was never sent is tried again, and nothing is written down for it", async () => {
    answers(new NotSentError("connection refused"), ANSWERED);
    await gateway.runMessage(urgent());
    expect((await gateway.entries("acme")).map(({ kind }) => kind)).toEqual(["direct"]);
  });

  test("with the key of another request is refused", async () => {
    answers(ANSWERED);
    await gateway.runMessage(urgent());
    const other = jobMessage({ taskType: "email_draft" });
    Object.assign((other["request"] as { body: object }).body, { max_completion_tokens: 5 });
    expect(await gateway.runMessage(gateway.message(other, "high"))).toBe("conflict");
  });
});

describe("a worker that dies", () => {
  test("before its call: another takes the job over when the lease is out, and the call is named as unconfirmed", async () => {
    const message = urgent();
    gateway.answer = () => new Error("the process is gone");
    await expect(gateway.runMessage(message)).rejects.toThrow("the process is gone");
    answers(ANSWERED);
    await expect(gateway.runMessage(message)).rejects.toThrow("another worker");
    gateway.now += RUN_LEASE_MS;
    expect(await gateway.runMessage(message)).toBe("ended");
    expect((await gateway.entries("acme")).map(({ kind }) => kind)).toEqual(["direct", "unconfirmed"]);
  });

  test("after the answer was stored: the stored answer is settled, and the provider is not called again", async () => {
    const message = urgent();
    answers(ANSWERED);
    const end = gateway.jobs.end.bind(gateway.jobs);
    gateway.jobs.end = () => Promise.reject(new Error("died"));
    await expect(gateway.runMessage(message)).rejects.toThrow("died");
    gateway.jobs.end = end;
    gateway.now += RUN_LEASE_MS;
    expect(await gateway.runMessage(message)).toBe("ended");
    expect(gateway.calls).toBe(1);
    expect(await gateway.results("acme")).toMatchObject([{ status: "succeeded", attempts: 1 }]);
    expect(await gateway.entries("acme")).toMatchObject([{ kind: "direct", costPicoUsd: ONE_ANSWER_PICO }]);
  });

  test("between the end and the ledger: the redelivery writes the entry", async () => {
    const message = urgent();
    answers(ANSWERED);
    const record = gateway.ledger.record.bind(gateway.ledger);
    gateway.ledger.record = () => Promise.reject(new Error("died"));
    await expect(gateway.runMessage(message)).rejects.toThrow("died");
    gateway.ledger.record = record;
    expect(await gateway.runMessage(message)).toBe("duplicate");
    expect(await gateway.entries("acme")).toMatchObject([{ kind: "direct", costPicoUsd: ONE_ANSWER_PICO }]);
    const [told, again, ...more] = await gateway.results("acme");
    expect(told).toMatchObject({ status: "succeeded" });
    expect(again).toEqual(told);
    expect(more).toEqual([]);
  });
});
