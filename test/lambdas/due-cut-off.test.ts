import { beforeEach, describe, expect, test } from "vitest";
import type { CallAnswer } from "../../lambdas/ports.ts";
import { RUN_LEASE_MS } from "../../lambdas/run-job/run-job.ts";
import { completion, jobMessage, MemoryGateway } from "./support/memory-gateway.ts";

const ANSWERED: CallAnswer = { statusCode: 200, retryAfterMs: null, body: completion() };
const busy = (retryAfterMs: number | null): CallAnswer => ({
  statusCode: 429,
  retryAfterMs,
  body: { error: { code: "rate_limit_exceeded", message: "slow down" } },
});

let gateway: MemoryGateway;
beforeEach(async () => {
  gateway = new MemoryGateway();
  await gateway.addTenant({ tenantId: "acme", cancelAtDue: ["critical"] });
  await gateway.addTenant({ tenantId: "globex" });
});

const DUE_MS = 5_000;
const urgent = (tenantId = "acme") => gateway.message(jobMessage({ tenantId, tier: "critical" }), "critical");

/** A call that is answered after so long, if anybody waits for it. */
function answersAfter(duration: number) {
  gateway.answer = (_body, { signal }) => {
    queueMicrotask(() => gateway.elapse(duration));
    return new Promise((resolve) => {
      gateway.timeout(duration).addEventListener("abort", () => resolve(ANSWERED));
      signal.addEventListener("abort", () => {});
    });
  };
}

describe("a job whose tenant wants no answer after its due time", () => {
  test("is cut off then, told as expired, and its call is named as one that may be billed", async () => {
    const message = urgent();
    const due = gateway.now + DUE_MS;
    answersAfter(9_000);
    expect(await gateway.runMessage(message)).toBe("ended");
    const [result] = await gateway.results("acme");
    expect(result).toMatchObject({ status: "expired", error: { code: "expired" } });
    expect(Date.parse(result!.producedAt)).toBeGreaterThanOrEqual(due);
    expect(await gateway.entries("acme")).toMatchObject([{ kind: "unconfirmed", jobs: 0 }]);
    expect(await gateway.runMessage(message)).toBe("duplicate");
    expect(gateway.calls).toBe(1);
  });

  test("gets an answer that comes in time, like any other", async () => {
    answersAfter(4_999);
    await gateway.runMessage(urgent());
    expect(await gateway.results("acme")).toMatchObject([{ status: "succeeded", late: false }]);
  });

  test("is not called after its due time, though it failed only once", async () => {
    gateway.answer = () => {
      gateway.elapse(DUE_MS - 100);
      return { ...busy(null), statusCode: 500 };
    };
    await gateway.runMessage(urgent());
    expect(gateway.calls).toBe(1);
    expect(await gateway.results("acme")).toMatchObject([{ status: "expired" }]);
    expect(await gateway.entries("acme")).toEqual([]);
  });

  test("that comes too late already is told so without a call", async () => {
    const message = urgent();
    gateway.elapse(DUE_MS);
    await gateway.runMessage(message);
    expect(gateway.calls).toBe(0);
    expect(await gateway.results("acme")).toMatchObject([{ status: "expired" }]);
    expect(await gateway.entries("acme")).toEqual([]);
  });

  test("is told when it is due that the provider let nobody call before", async () => {
    const message = urgent();
    const began = gateway.now;
    gateway.answer = () => busy(20_000);
    expect(await gateway.runMessage(message)).toBe("ended");
    expect(gateway.calls).toBe(1);
    expect(gateway.now - began).toBe(DUE_MS);
    expect(await gateway.results("acme")).toMatchObject([{ status: "expired" }]);
  });

  test("whose worker died in the call is told so by the next, and the call is named", async () => {
    const message = urgent();
    gateway.answer = () => new Error("died");
    await expect(gateway.runMessage(message)).rejects.toThrow("died");
    gateway.now += RUN_LEASE_MS;
    expect(await gateway.runMessage(message)).toBe("ended");
    expect(gateway.calls).toBe(1);
    expect(await gateway.results("acme")).toMatchObject([{ status: "expired" }]);
    expect((await gateway.entries("acme")).map(({ kind }) => kind)).toEqual(["unconfirmed"]);
  });
});

test("a job of anybody else goes on after its due time and is marked as late", async () => {
  answersAfter(9_000);
  await gateway.runMessage(urgent("globex"));
  expect(await gateway.results("globex")).toMatchObject([{ status: "succeeded", late: true }]);
  expect(await gateway.entries("globex")).toMatchObject([{ kind: "direct", jobs: 1 }]);
});

test("a call that has to wait until after the due time is told of, and is made", async () => {
  const delayed: unknown[] = [];
  Object.assign(gateway, { tell: { delayed: (call: unknown) => delayed.push(call) } });
  const list = [busy(20_000), ANSWERED];
  gateway.answer = () => list.shift()!;
  await gateway.runMessage(urgent("globex"));
  expect(delayed).toMatchObject([{ tenantId: "globex", waitedMs: 20_000 }]);
  expect(await gateway.results("globex")).toMatchObject([{ status: "succeeded", late: true }]);
});
