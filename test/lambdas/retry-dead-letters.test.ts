import { beforeEach, describe, expect, test } from "vitest";
import { MemoryDeadLetterInbox } from "../../lambdas/adapters/memory-dead-letter-inbox.ts";
import type { DeadLetter, Delivery, RunRequest } from "../../lambdas/domain/internal-messages.ts";
import type { CallAnswer, DeadLetterInbox } from "../../lambdas/ports.ts";
import { retryDeadLetters } from "../../lambdas/retry-dead-letters/retry-dead-letters.ts";
import { completion, jobMessage, MemoryGateway } from "./support/memory-gateway.ts";
import { ACME, jobIdFor, sourceAt } from "../contracts/sample-records.ts";

const refused = (statusCode: number): CallAnswer => ({
  statusCode,
  retryAfterMs: null,
  body: { error: { code: "oops", message: "no" } },
});
const jobLetter: DeadLetter = {
  version: 1,
  kind: "job",
  reason: { code: "server_error", message: "three times" },
  at: "2026-11-21T12:00:00.000Z",
  tenantId: ACME,
  jobId: jobIdFor("one"),
  attempts: 3,
  source: sourceAt(0),
};
const delivery: Delivery = { version: 1, kind: "object", tenantId: ACME, key: "results/tenant=acme/x.jsonl" };
const cancel: RunRequest = {
  version: 1,
  kind: "cancel",
  tenantId: ACME,
  jobId: jobIdFor("one"),
  idempotencyKey: "one",
  cancelId: "c",
  sentAt: 1,
};

let gateway: MemoryGateway;

beforeEach(async () => {
  gateway = new MemoryGateway();
  await gateway.addTenant({ tenantId: "acme" });
});

describe("what lies on a job queue's dead letters", () => {
  test("jobs are run, once more and alone; what was kept for the operator stays to be seen", async () => {
    const kept: DeadLetter = {
      ...jobLetter,
      kind: "message",
      messageId: "m",
      senderId: null,
      body: "x",
      bodyKey: null,
    };
    const inbox = new MemoryDeadLetterInbox([JSON.stringify(kept), JSON.stringify(jobLetter)]);
    expect(await retryDeadLetters(inbox, "normal", gateway)).toBe(1);
    const { tenantId, jobId, source } = jobLetter;
    const run = { version: 1, kind: "run", tenantId, jobId, source, reason: "dead-letter", attempt: 3 };
    expect(gateway.runs.take()).toEqual([run]);
    expect(inbox.bodies).toEqual([JSON.stringify(kept)]);
    expect(await inbox.receive()).toHaveLength(1);
  });

  test("a job that fails again after that ends, and its tenant is told", async () => {
    gateway.answer = () => refused(500);
    await gateway.runMessage(gateway.message(jobMessage({ taskType: "email_draft" }), "high"));
    const inbox = new MemoryDeadLetterInbox(
      gateway.deadLetters.take("high").map((one) => JSON.stringify(one)),
    );
    await retryDeadLetters(inbox, "high", gateway);
    const [request] = gateway.runs.take();
    expect(await gateway.runRequested(request!)).toBe("ended");
    expect(await gateway.results("acme")).toMatchObject([{ status: "failed", attempts: 6 }]);
    expect(gateway.deadLetters.take("high")).toEqual([]);
  });

  test.each([
    ["small", "hi", null],
    ["too large to be wrapped", "x".repeat(300_000), "dead-letters/m-9"],
  ])("a message that SQS gave up on is admitted as it came: %s", async (_size, content, bodyKey) => {
    const body = { model: "gpt-5-nano", messages: [{ role: "user", content }] };
    const request = { provider: "openai", endpoint: "/v1/chat/completions", body };
    const raw = { body: JSON.stringify(jobMessage({ request })), messageId: "m-9", senderId: "AROATEST:app" };
    const inbox = new MemoryDeadLetterInbox([{ ...raw, sentAt: gateway.now, moved: true }]);
    expect(await retryDeadLetters(inbox, "normal", gateway)).toBe(1);
    expect(inbox.bodies).toEqual([]);
    const [sent] = gateway.runs.take();
    expect(sent).toMatchObject({ kind: "message", messageId: "m-9", queue: "normal", bodyKey });
    expect(await gateway.runRequested(sent!)).toBe("placed");
    expect(await gateway.runRequested(sent!)).toBe("placed");
    expect(await gateway.window()).toHaveLength(1);
  });

  test("is checked for its sender as it was when it came", async () => {
    await gateway.addTenant({ tenantId: "acme", senders: ["AROAACME"] });
    const body = JSON.stringify(jobMessage());
    const senders = ["AROASTRANGER:AROAACME", null, "AROAACME:app"];
    const inbox = new MemoryDeadLetterInbox(
      senders.map((senderId) => ({ body, senderId, sentAt: gateway.now, moved: true })),
    );
    await retryDeadLetters(inbox, "low", gateway);
    const outcomes: string[] = [];
    for (const request of gateway.runs.take()) outcomes.push(await gateway.runRequested(request));
    expect(outcomes).toEqual(["turned-away", "turned-away", "placed"]);
    expect(gateway.deadLetters.take("low")).toMatchObject([
      { reason: { code: "sender_not_allowed" } },
      { reason: { code: "sender_not_allowed" } },
    ]);
  });

  test("a letter that a tenant made up is taken for a message, and not acted on", async () => {
    const inbox = new MemoryDeadLetterInbox([{ body: JSON.stringify(jobLetter), moved: true }]);
    await retryDeadLetters(inbox, "normal", gateway);
    const [request] = gateway.runs.take();
    expect(request?.kind).toBe("message");
    expect(await gateway.runRequested(request!)).toBe("turned-away");
    expect(gateway.deadLetters.take("normal")).toMatchObject([
      { kind: "message", reason: { code: "moved_dead_letter" } },
    ]);
  });
});

describe("our own queues", () => {
  test("run requests and deliveries go back to them, a limited number of times", async () => {
    const queues = [
      ["runs", cancel, gateway.runs, 5],
      ["deliveries", delivery, gateway.deliveries, 30],
    ] as const;
    for (const [queue, message, outbox, limit] of queues) {
      let left: unknown = message;
      let passes = 0;
      for (;;) {
        const inbox = new MemoryDeadLetterInbox([{ body: JSON.stringify(left), moved: true }]);
        if ((await retryDeadLetters(inbox, queue, gateway)) === 0) {
          expect(inbox.bodies).toHaveLength(1);
          break;
        }
        [left] = outbox.take();
        passes += 1;
        expect(left).toEqual({ ...message, passes });
      }
      expect(passes).toBe(limit);
    }
  });

  test("what nobody can read stays", async () => {
    for (const queue of ["runs", "deliveries"] as const) {
      const inbox = new MemoryDeadLetterInbox(["{}", "nonsense", JSON.stringify(jobLetter)]);
      expect(await retryDeadLetters(inbox, queue, gateway)).toBe(0);
      expect(await inbox.receive()).toHaveLength(3);
    }
  });
});

test("a run goes on until the queue is empty, past letters that stay, or its time is over", async () => {
  const letters = Array.from({ length: 450 }, (_, number) =>
    number % 2 === 0 ? JSON.stringify(jobLetter) : "moved here",
  );
  const full = new MemoryDeadLetterInbox([...Array.from({ length: 250 }, () => "{}"), ...letters]);
  expect(await retryDeadLetters(full, "runs", gateway)).toBe(0);
  const inbox = new MemoryDeadLetterInbox(letters);
  expect(await retryDeadLetters(inbox, "normal", gateway)).toBe(450);
  expect(inbox.bodies).toEqual([]);

  const slow = new MemoryDeadLetterInbox(letters);
  const receive = slow.receive.bind(slow);
  slow.receive = () => {
    gateway.now += 60_000;
    return receive();
  };
  expect(await retryDeadLetters(slow, "normal", gateway)).toBe(30);
});

test("nothing is deleted that was not sent on", async () => {
  const inbox: DeadLetterInbox & { readonly bodies: readonly string[] } = new MemoryDeadLetterInbox([
    JSON.stringify(jobLetter),
  ]);
  const runs = { send: () => Promise.reject(new Error("throttled")) };
  const { deliveries, objects, runtime } = gateway;
  await expect(retryDeadLetters(inbox, "normal", { runs, deliveries, objects, runtime })).rejects.toThrow(
    "throttled",
  );
  expect(inbox.bodies).toHaveLength(1);
});

test("a job whose dead letter was sent twice is answered twice and run once", async () => {
  gateway.answer = () => refused(500);
  await gateway.runMessage(gateway.message(jobMessage({ taskType: "email_draft" }), "high"));
  const letters = gateway.deadLetters.take("high").map((one) => JSON.stringify(one));
  await retryDeadLetters(new MemoryDeadLetterInbox([...letters, ...letters]), "high", gateway);
  gateway.answer = () => ({ statusCode: 200, retryAfterMs: null, body: completion() });
  const calls = gateway.calls;
  for (const request of gateway.runs.take()) await gateway.runRequested(request);
  expect(gateway.calls).toBe(calls + 1);
  expect((await gateway.results("acme")).map(({ status }) => status)).toEqual(["succeeded", "succeeded"]);
});
