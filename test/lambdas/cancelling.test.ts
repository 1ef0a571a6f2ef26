import { beforeEach, describe, expect, test } from "vitest";
import { jobIdOf, type TenantId } from "../../lambdas/domain/ids.ts";
import { LostAnswerError } from "../../lambdas/domain/failures.ts";
import { toIso } from "../../lambdas/domain/instant.ts";
import type { RunRequest } from "../../lambdas/domain/internal-messages.ts";
import type { Job } from "../../lambdas/domain/job-state.ts";
import type { CallAnswer } from "../../lambdas/ports.ts";
import { RUN_LEASE_MS } from "../../lambdas/run-job/run-job.ts";
import { answerAll, completion, jobMessage, MemoryGateway } from "./support/memory-gateway.ts";

const KEY = "call-1/summary";
const ANSWERED: CallAnswer = { statusCode: 200, retryAfterMs: null, body: completion() };
const BUSY: CallAnswer = {
  statusCode: 429,
  retryAfterMs: 1_000,
  body: { error: { code: "busy", message: "no" } },
};

let gateway: MemoryGateway;

beforeEach(async () => {
  gateway = new MemoryGateway();
  await gateway.addTenant({ tenantId: "acme" });
});

const cancelMessage = (idempotencyKey = KEY) =>
  gateway.message({ version: 1, tenantId: "acme", cancel: { idempotencyKey } });
const urgent = (fields: Record<string, unknown> = {}) =>
  gateway.message(jobMessage({ taskType: "email_draft", ...fields }), "high");

async function cancel(message = cancelMessage()): Promise<void> {
  expect(await gateway.admit([message])).toMatchObject({ cancels: 1, failed: [] });
}

async function job(): Promise<Job> {
  const tenant = await gateway.tenants.get("acme" as TenantId);
  const found = await gateway.jobs.get("acme" as TenantId, jobIdOf(tenant!.salt, "acme" as TenantId, KEY));
  if (found === undefined) throw new Error("no such job");
  return found;
}

async function statuses(): Promise<string[]> {
  return (await gateway.results("acme")).map(({ status }) => status);
}

async function kinds(): Promise<string[]> {
  return (await gateway.entries("acme")).map(({ kind }) => kind);
}

describe("a job that waits", () => {
  test("ends at once, told with its own tags, and no window takes it", async () => {
    await gateway.admit([gateway.message(jobMessage({ metadata: { callId: "8842" } }))]);
    await cancel();
    expect(await gateway.results("acme")).toMatchObject([
      {
        status: "cancelled",
        jobId: expect.any(String),
        idempotencyKey: KEY,
        vertical: "salon",
        agentId: "front-desk",
        tier: "normal",
        lane: "batch",
        error: { code: "cancelled" },
        response: null,
        costPicoUsd: "0",
        metadata: { callId: "8842" },
        result: { key: expect.stringContaining("results/tenant=acme/") },
      },
    ]);
    expect(await gateway.window()).toEqual([]);
  });

  test("and comes in the same call as its cancel, whichever stands first", async () => {
    const both = [cancelMessage(), gateway.message(jobMessage())];
    expect(await gateway.admit(both)).toMatchObject({ admitted: 1, cancels: 1 });
    expect(await statuses()).toEqual(["cancelled"]);
  });

  test("answers a repeated cancel, a second one and a repeat of the job in the same way", async () => {
    await gateway.admit([gateway.message(jobMessage())]);
    const message = cancelMessage();
    await cancel(message);
    const [first] = await gateway.results("acme");
    gateway.now += 1_000;
    await cancel(message);
    await cancel();
    await gateway.admit([gateway.message(jobMessage())]);
    expect(await gateway.results("acme")).toEqual([first, first, first]);
  });

  test("runs again when its message says so, and an older cancel that comes again does not concern it", async () => {
    await gateway.admit([gateway.message(jobMessage())]);
    const message = cancelMessage();
    await cancel(message);
    expect(await statuses()).toEqual(["cancelled"]);
    gateway.now += 1_000;
    await gateway.admit([gateway.message(jobMessage({ retry: true }))]);
    await cancel(message);
    expect(await job()).toMatchObject({ state: "queued", attempt: 2, roundStart: 2 });
    expect(await statuses()).toEqual([]);
    for (const batchId of await gateway.window()) await gateway.runBatch(batchId, answerAll);
    expect(await statuses()).toEqual(["succeeded"]);
  });
});

test("two cancels at once: one wins, and both tell what the winner stored", async () => {
  await gateway.admit([gateway.message(jobMessage())]);
  const put = gateway.objects.put.bind(gateway.objects);
  gateway.objects.put = async (...object) => {
    gateway.objects.put = put;
    gateway.now += 5_000;
    await cancel();
    await put(...object);
  };
  await cancel();
  const told = await gateway.results("acme");
  expect(told).toHaveLength(2);
  expect(told[0]).toEqual(told[1]);
  const ended = await job();
  if (ended.state !== "ended") throw new Error("not ended");
  expect(told[0]?.producedAt).toBe(toIso(ended.producedAt));
});

test("a worker that dies before or after the end: the message, coming again, tells the tenant", async () => {
  await gateway.admit([gateway.message(jobMessage())]);
  const message = cancelMessage();
  const end = gateway.jobs.end.bind(gateway.jobs);
  gateway.jobs.end = () => Promise.reject(new Error("died"));
  expect(await gateway.admit([message])).toMatchObject({ failed: [{ messageId: message.messageId }] });
  gateway.jobs.end = async (one) => {
    await end(one);
    throw new Error("died");
  };
  expect(await gateway.admit([message])).toMatchObject({ cancels: 0, failed: [{}] });
  expect(await statuses()).toEqual([]);
  gateway.jobs.end = end;
  await cancel(message);
  expect(await statuses()).toEqual(["cancelled"]);
});

test("a cancel of no job is answered with what may have happened; of another tenant's it is of no job", async () => {
  await gateway.addTenant({ tenantId: "globex" });
  await gateway.admit([gateway.message(jobMessage({ tenantId: "globex" }))]);
  await cancel();
  expect(await gateway.results("acme")).toMatchObject([
    { status: "rejected", jobId: null, idempotencyKey: KEY, error: { code: "unknown_job" } },
  ]);
  expect(await gateway.window()).toHaveLength(1);
});

test("a cancel by somebody who may not send for the tenant is kept and does nothing", async () => {
  await gateway.admit([gateway.message(jobMessage())]);
  await gateway.addTenant({ tenantId: "acme", senders: ["AROAACME"] });
  expect(await gateway.admit([cancelMessage()])).toMatchObject({ cancels: 0, unanswerable: 1 });
  expect(gateway.deadLetters.take("normal")).toMatchObject([{ reason: { code: "sender_not_allowed" } }]);
  expect(await job()).toMatchObject({ state: "queued" });
});

describe("a job in a batch", () => {
  test("ends at once; its answer is charged and not delivered", async () => {
    await gateway.admit([gateway.message(jobMessage())]);
    const [batchId] = await gateway.window();
    await gateway.submit(batchId!);
    await cancel();
    expect(await statuses()).toEqual(["cancelled"]);
    await gateway.runBatch(batchId!, answerAll);
    expect(await statuses()).toEqual([]);
    expect(await job()).toMatchObject({ state: "ended", status: "cancelled" });
    expect(await gateway.entries("acme")).toMatchObject([{ kind: "batch", jobs: 0, answers: 1 }]);
  });

  test("that has ended gets its first result again", async () => {
    await gateway.admit([gateway.message(jobMessage())]);
    for (const batchId of await gateway.window()) await gateway.runBatch(batchId, answerAll);
    const [first] = await gateway.results("acme");
    await cancel();
    expect(await gateway.results("acme")).toEqual([first]);
  });
});

describe("a job that is being called", () => {
  test("ends at once without its tags, which only its message has; the answer is charged and not delivered", async () => {
    gateway.direct = callsThat(async () => {
      await cancel();
      return ANSWERED;
    });
    await gateway.runMessage(urgent());
    expect(await gateway.results("acme")).toMatchObject([
      { status: "cancelled", idempotencyKey: KEY, vertical: null, tier: null, lane: "sync" },
    ]);
    expect(await gateway.entries("acme")).toMatchObject([{ kind: "direct", jobs: 0, answers: 1 }]);
  });

  test("is not called again after a refusal that bills nothing, and no repeat takes that call for lost", async () => {
    let calls = 0;
    gateway.direct = callsThat(async () => {
      calls += 1;
      await cancel();
      return BUSY;
    });
    const message = urgent();
    expect(await gateway.runMessage(message)).toBe("duplicate");
    gateway.now += RUN_LEASE_MS;
    expect(await gateway.runMessage(message)).toBe("duplicate");
    expect(calls).toBe(1);
    expect(await kinds()).toEqual([]);
    expect(new Set(await statuses())).toEqual(new Set(["cancelled"]));
  });

  test("and whose answer is lost is told, and its call named, without another look", async () => {
    gateway.direct = callsThat(async () => {
      await cancel();
      throw new LostAnswerError("cut");
    });
    expect(await gateway.runMessage(urgent())).toBe("duplicate");
    expect(await kinds()).toEqual(["unconfirmed"]);
  });

  test("when its worker dies: the call is named as unconfirmed once the lease is over", async () => {
    const message = urgent();
    gateway.answer = () => new Error("the process is gone");
    await expect(gateway.runMessage(message)).rejects.toThrow("the process is gone");
    await cancel();
    expect(await statuses()).toEqual(["cancelled"]);
    await expect(gateway.runMessage(message)).rejects.toMatchObject({ name: "LeaseHeldError" });
    expect(await kinds()).toEqual([]);
    gateway.now += RUN_LEASE_MS;
    expect(await gateway.runMessage(message)).toBe("duplicate");
    expect(await gateway.runMessage(message)).toBe("duplicate");
    expect(await kinds()).toEqual(["unconfirmed"]);
  });

  test("when its worker dies with the answer stored: it is charged at what it cost", async () => {
    const message = urgent();
    gateway.answer = () => ANSWERED;
    const end = gateway.jobs.end.bind(gateway.jobs);
    gateway.jobs.end = () => Promise.reject(new Error("died"));
    await expect(gateway.runMessage(message)).rejects.toThrow("died");
    gateway.jobs.end = end;
    await cancel();
    expect(await gateway.runMessage(message)).toBe("duplicate");
    expect(await gateway.entries("acme")).toMatchObject([{ kind: "direct", jobs: 0, answers: 1 }]);
    expect(new Set(await statuses())).toEqual(new Set(["cancelled"]));
  });

  test("and whose answer came too late for that ends no later round: a repeat of its message changes nothing", async () => {
    const message = urgent();
    gateway.direct = callsThat(async () => {
      await cancel();
      return ANSWERED;
    });
    await gateway.runMessage(message);
    gateway.direct = callsThat(async () => {
      throw new Error("the process is gone");
    });
    gateway.now += 1_000;
    await expect(gateway.runMessage(urgent({ retry: true }))).rejects.toThrow("the process is gone");
    const charged = await gateway.entries("acme");
    expect(await gateway.runMessage(message)).toBe("duplicate");
    expect(await job()).toMatchObject({ state: "running", attempt: 2 });
    expect(await gateway.entries("acme")).toEqual(charged);
  });

  test("when its worker dies and the job is opened again meanwhile: the lost call is named all the same", async () => {
    const message = urgent();
    gateway.answer = () => new Error("the process is gone");
    await expect(gateway.runMessage(message)).rejects.toThrow("the process is gone");
    await cancel();
    gateway.answer = () => ANSWERED;
    gateway.now += 1_000;
    expect(await gateway.runMessage(urgent({ retry: true }))).toBe("ended");
    gateway.now += RUN_LEASE_MS;
    expect(await gateway.runMessage(message)).toBe("duplicate");
    expect(await kinds()).toEqual(["direct", "unconfirmed"]);
    expect((await job()).attempt).toBe(2);
  });
});

test("a job in the dead letters ends, and its letter changes nothing any more", async () => {
  gateway.answer = () => ({ ...BUSY, statusCode: 500 });
  await gateway.runMessage(urgent());
  const [letter] = gateway.deadLetters.take("high");
  if (letter?.kind !== "job") throw new Error("no dead letter");
  await cancel();
  expect(await gateway.results("acme")).toMatchObject([
    { status: "cancelled", vertical: "salon", attempts: 3 },
  ]);
  const calls = gateway.calls;
  const { tenantId, jobId, source, attempts: attempt } = letter;
  const request = {
    version: 1,
    kind: "run",
    tenantId,
    jobId,
    source,
    reason: "dead-letter",
    attempt,
  } as const;
  expect(await gateway.runRequested(request)).toBe("duplicate");
  expect(gateway.calls).toBe(calls);
});

describe("requests of the operator and the gateway", () => {
  test("a cancel ends the job as the tenant's own would, once", async () => {
    await gateway.admit([gateway.message(jobMessage())]);
    const { tenantId, jobId, roundAt: sentAt } = await job();
    const request: RunRequest = {
      version: 1,
      kind: "cancel",
      tenantId,
      jobId,
      idempotencyKey: KEY,
      cancelId: "operator-1",
      sentAt,
    };
    expect(await gateway.runRequested({ ...request, sentAt: sentAt - 1 })).toBe("left");
    expect(await gateway.runRequested(request)).toBe("cancel-answered");
    expect(await gateway.runRequested(request)).toBe("cancel-answered");
    expect(await statuses()).toEqual(["cancelled", "cancelled"]);
    expect(await gateway.runRequested({ ...request, jobId: "a".repeat(26) as Job["jobId"] })).toBe("unknown");
  });

  test("a job that waited for too long ends as expired, late, unless it moved on", async () => {
    await gateway.admit([gateway.message(jobMessage())]);
    const { tenantId, jobId, source } = await job();
    const request = { version: 1, kind: "expire", tenantId, jobId, source: source! } as const;
    expect(await gateway.runRequested({ ...request, attempt: 2 })).toBe("left");
    gateway.now += 8 * 86_400_000;
    expect(await gateway.runRequested({ ...request, attempt: 1 })).toBe("ended");
    gateway.now += 1_000;
    expect(await gateway.runRequested({ ...request, attempt: 1 })).toBe("ended");
    const told = await gateway.results("acme");
    expect(told).toMatchObject([{ status: "expired", late: true, error: { code: "expired" } }, {}]);
    expect(told[0]).toEqual(told[1]);
    const upload = { ...source!, key: "uploads/tenant=acme/x" };
    await expect(gateway.runRequested({ ...request, attempt: 1, source: upload })).rejects.toMatchObject({
      name: "MissingRecordError",
    });
  });
});

/** Direct calls that do as `call` says. */
function callsThat(call: () => Promise<CallAnswer>): MemoryGateway["direct"] {
  return async () => ({ provider: "openai", call });
}
