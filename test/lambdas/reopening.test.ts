import { beforeEach, expect, test } from "vitest";
import { answerAll, jobMessage, MemoryGateway } from "./support/memory-gateway.ts";

const MINUTE = 60_000;
let gateway: MemoryGateway;

beforeEach(async () => {
  gateway = new MemoryGateway();
  await gateway.addTenant({ tenantId: "acme" });
});

/** A minute after the last one. */
function later(fields: Record<string, unknown>, queue: "high" | "normal") {
  gateway.now += MINUTE;
  return gateway.message(jobMessage(fields), queue);
}

test("a batch job is not opened again by a copy of a message that was answered rounds ago", async () => {
  const [first, second] = [later({ retry: true }, "normal"), later({ retry: true }, "normal")];
  for (const message of [first, second]) {
    expect(await gateway.admit([message])).toMatchObject({ admitted: 1 });
    const [batchId] = await gateway.window();
    await gateway.runBatch(batchId!, () => ({
      status: "failed",
      output: [],
      refusals: [{ code: "invalid_value", line: 1, message: "row 1 is bad" }],
    }));
    expect(await gateway.results("acme")).toMatchObject([{ status: "failed" }]);
  }
  // SQS gives the first message once more.
  expect(await gateway.admit([first])).toMatchObject({ admitted: 0, duplicates: 1 });
  expect(await gateway.window()).toEqual([]);
  expect(await gateway.results("acme")).toMatchObject([{ status: "failed", attempts: 2 }]);
  expect(await gateway.admit([later({ retry: true }, "normal")])).toMatchObject({ admitted: 1 });
});

test("nor is a direct job called again for it", async () => {
  gateway.answer = () => ({ statusCode: 400, retryAfterMs: null, body: { error: { message: "bad" } } });
  const fields = { taskType: "email_draft", retry: true };
  const [first, second] = [later(fields, "high"), later(fields, "high")];
  for (const message of [first, second]) expect(await gateway.runMessage(message)).toBe("ended");
  expect(await gateway.runMessage(first)).toBe("duplicate");
  expect(gateway.calls).toBe(2);
  expect(await gateway.runMessage(later(fields, "high"))).toBe("ended");
  expect(gateway.calls).toBe(3);
});

test("a part that is settled again after its job was opened again leaves the job to its new round", async () => {
  const gateway = new MemoryGateway();
  await gateway.addTenant({ tenantId: "acme" });
  await gateway.admit([gateway.message(jobMessage({ tier: "low" }))]);
  const [batchId] = await gateway.window();
  await gateway.submit(batchId!);
  gateway.now += 1000;
  await gateway.admit([
    gateway.message({ version: 1, tenantId: "acme", cancel: { idempotencyKey: "call-1/summary" } }),
  ]);
  gateway.provider.end(gateway.provider.created[0]!, answerAll);
  await gateway.finish(batchId!);
  gateway.now += 1000;
  await gateway.admit([gateway.message(jobMessage({ tier: "low", retry: true }))]);
  expect(await gateway.settle(batchId!, 0)).toMatchObject({ ended: 0 });
  expect(await gateway.entries("acme")).toMatchObject([{ jobs: 0, answers: 1 }]);
  expect(await gateway.window()).toHaveLength(1);
});
