import { beforeEach, describe, expect, test } from "vitest";
import type { BatchId } from "../../lambdas/domain/ids.ts";
import { ABANDONED_AFTER_MS } from "../../lambdas/freeze-window/freeze-window.ts";
import {
  answerAll,
  answerLine,
  customIdOfLine,
  errorLine,
  jobMessage,
  MemoryGateway,
} from "./support/memory-gateway.ts";

/** gpt-5-nano in a batch: 1,000 tokens in at $0.025/M and 100 out at $0.20/M are $0.000045. */
const ONE_ANSWER_PICO = "45000000";
/** The same at $0.05/M and $0.40/M. */
const ONE_ANSWER_SYNC_PICO = "90000000";

let gateway: MemoryGateway;

beforeEach(async () => {
  gateway = new MemoryGateway();
  for (const tenantId of ["acme", "globex"]) await gateway.addTenant({ tenantId });
});

function messages(tenantId: string, count: number) {
  return Array.from({ length: count }, (_, number) =>
    gateway.message(jobMessage({ tenantId, idempotencyKey: `k${number}` })),
  );
}

async function only(planned: Promise<BatchId[]>): Promise<BatchId> {
  const batches = await planned;
  expect(batches).toHaveLength(1);
  return batches[0]!;
}

describe("the batch lane", () => {
  test("takes jobs of two tenants through one batch, back to each, at half price in the ledger", async () => {
    await gateway.admit([...messages("acme", 3), ...messages("globex", 2)]);
    await gateway.runBatch(await only(gateway.window()), answerAll);
    const acme = await gateway.results("acme");
    expect(acme).toHaveLength(3);
    expect(await gateway.results("globex")).toHaveLength(2);
    expect(acme[0]).toMatchObject({
      tenantId: "acme",
      status: "succeeded",
      lane: "batch",
      tier: "normal",
      late: false,
      attempts: 1,
      usage: { inputTokens: 1000, outputTokens: 100 },
      costPicoUsd: ONE_ANSWER_PICO,
      costMicroUsd: 45,
      syncCostMicroUsd: 90,
    });
    const entries = await gateway.entries("acme");
    expect(entries).toMatchObject([
      {
        kind: "batch",
        jobs: 3,
        answers: 3,
        costPicoUsd: String(3n * BigInt(ONE_ANSWER_PICO)),
        syncCostPicoUsd: String(3n * BigInt(ONE_ANSWER_SYNC_PICO)),
      },
    ]);
  });

  test("tells the provider no tenant's name", async () => {
    await gateway.admit(messages("acme", 1));
    await gateway.runBatch(await only(gateway.window()), (lines) => {
      expect(lines.join("")).not.toContain("acme");
      return answerAll(lines);
    });
  });

  test("the result pointer leads to the result", async () => {
    await gateway.admit(messages("acme", 2));
    await gateway.runBatch(await only(gateway.window()), answerAll);
    for (const { result, ...message } of await gateway.results("acme")) {
      const bytes = await gateway.objects.getRange(result!.key, result!.offset, result!.length);
      expect(JSON.parse(Buffer.from(bytes).toString("utf8"))).toEqual(message);
    }
  });

  test("a tenant with isolation shares no batch", async () => {
    await gateway.addTenant({ tenantId: "initech", isolation: "dedicated" });
    await gateway.admit([...messages("acme", 2), ...messages("initech", 2), ...messages("globex", 1)]);
    const batches = await gateway.window();
    expect(batches).toHaveLength(2);
    const sizes = await Promise.all(
      batches.map(async (id) => (await gateway.batches.get(id))!.plan.requests),
    );
    expect(sizes.toSorted()).toEqual([2, 3]);
  });

  test("a refused line fails with the provider's words; nothing is billed for it", async () => {
    await gateway.admit(messages("acme", 2));
    await gateway.runBatch(await only(gateway.window()), ([first, second]) => ({
      status: "completed",
      output: [answerLine(first!)],
      errors: [errorLine(second!, 400, "bad_value")],
    }));
    const results = await gateway.results("acme");
    const failed = results.find((result) => result.status === "failed");
    expect(failed).toMatchObject({ error: { code: "bad_value" }, response: null, costPicoUsd: "0" });
    expect((await gateway.entries("acme"))[0]).toMatchObject({ jobs: 1, costPicoUsd: ONE_ANSWER_PICO });
  });

  test("expired lines go to the next batch as the next attempt, and what was finished is kept and paid", async () => {
    await gateway.admit(messages("acme", 2));
    let expired = "";
    await gateway.runBatch(await only(gateway.window()), ([first, second]) => {
      expired = customIdOfLine(second!);
      return {
        status: "expired",
        output: [answerLine(first!)],
        errors: [
          JSON.stringify({
            id: "e",
            custom_id: expired,
            response: null,
            error: { code: "batch_expired", message: "late" },
          }),
        ],
      };
    });
    expect(await gateway.results("acme")).toHaveLength(1);
    await gateway.runBatch(await only(gateway.window()), (lines) => {
      expect(lines.map(customIdOfLine)).toEqual([expired.replace(/-1$/, "-2")]);
      return answerAll(lines);
    });
    expect(await gateway.results("acme")).toMatchObject([{ status: "succeeded", attempts: 2 }]);
    const paid = (await gateway.entries("acme")).reduce((sum, entry) => sum + BigInt(entry.costPicoUsd), 0n);
    expect(paid).toBe(2n * BigInt(ONE_ANSWER_PICO));
  });

  test("three failures put a job on the dead-letter queue of its tier, whence a direct call ends it", async () => {
    await gateway.admit(messages("acme", 1));
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await gateway.runBatch(await only(gateway.window()), (lines) => ({
        status: "completed",
        output: [],
        errors: lines.map((line) => errorLine(line, 500, "server_error")),
      }));
      // The next try waits, longer each time.
      gateway.now += attempt * 600_000;
    }
    expect(await gateway.window()).toEqual([]);
    const letters = gateway.deadLetters.take("normal");
    expect(letters).toMatchObject([{ kind: "job", attempts: 3, reason: { code: "server_error" } }]);
    const letter = letters[0]!;
    if (letter.kind !== "job") throw new Error("not a job");
    gateway.answer = () => ({
      statusCode: 200,
      retryAfterMs: null,
      body: JSON.parse(answerLine('{"custom_id":"x"}')).response.body,
    });
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
    expect(await gateway.runRequested(request)).toBe("duplicate");
    expect(gateway.calls).toBe(1);
    expect((await gateway.results("acme"))[0]).toMatchObject({
      status: "succeeded",
      lane: "sync",
      attempts: 4,
    });
  });

  test("a batch that fails validation: the named row fails, the others go to the next batch", async () => {
    await gateway.admit(messages("acme", 3));
    await gateway.runBatch(await only(gateway.window()), () => ({
      status: "failed",
      output: [],
      refusals: [{ code: "invalid_value", line: 2, message: "row 2 is bad" }],
    }));
    expect(await gateway.results("acme")).toMatchObject([
      { status: "failed", error: { code: "invalid_value" } },
    ]);
    await gateway.runBatch(await only(gateway.window()), answerAll);
    expect(await gateway.results("acme")).toHaveLength(2);
  });

  test("a window with nothing to do holds nothing up", async () => {
    expect(await gateway.window()).toEqual([]);
    await gateway.admit(messages("acme", 1));
    expect(await gateway.window()).toHaveLength(1);
  });

  test("jobs that must not wait for a batch are run though they came through a slow queue", async () => {
    await gateway.admit([gateway.message(jobMessage({ taskType: "live_chat_response" }), "low")]);
    const requests = gateway.runs.take();
    expect(requests).toMatchObject([{ reason: "direct-tier" }]);
    gateway.answer = () => ({
      statusCode: 200,
      retryAfterMs: null,
      body: JSON.parse(answerLine('{"custom_id":"x"}')).response.body,
    });
    expect(await gateway.runRequested(requests[0]!)).toBe("ended");
    expect(await gateway.results("acme")).toMatchObject([{ lane: "sync", tier: "critical" }]);
    expect(await gateway.window()).toEqual([]);
  });
});

describe("every step, twice", () => {
  test("changes nothing: one batch at the provider, one charge, the same results", async () => {
    const sent = messages("acme", 4);
    await gateway.admit(sent);
    await gateway.admit(sent);
    gateway.now += 300_000;
    const windowId = (await gateway.freeze())!;
    expect(await gateway.freeze()).toBe(windowId);
    const planned = await gateway.plan(windowId);
    gateway.now += 1_000;
    expect(await gateway.plan(windowId)).toEqual(planned);
    const batchId = planned[0]!;
    for (let time = 0; time < 2; time += 1) await gateway.write(batchId);
    for (let time = 0; time < 2; time += 1) await gateway.close(windowId);
    for (let time = 0; time < 2; time += 1) await gateway.submit(batchId);
    expect(gateway.provider.created).toHaveLength(1);
    gateway.provider.end(gateway.provider.created[0]!, answerAll);
    for (let time = 0; time < 2; time += 1) expect(await gateway.collect(batchId)).toBe(1);
    const reports = [await gateway.settle(batchId, 0), await gateway.settle(batchId, 0)];
    expect(reports[1]).toEqual(reports[0]);
    expect(await gateway.entries("acme")).toMatchObject([{ jobs: 4, answers: 4 }]);
    expect(new Set((await gateway.results("acme")).map((result) => result.jobId)).size).toBe(4);
    expect(await gateway.window()).toEqual([]);
  });

  test("a settled part that comes back after its retries were taken places no job twice", async () => {
    await gateway.admit(messages("acme", 1));
    const batchId = await only(gateway.window());
    await gateway.runBatch(batchId, (lines) => ({
      status: "completed",
      output: [],
      errors: lines.map((line) => errorLine(line, 500)),
    }));
    await only(gateway.window());
    await gateway.settle(batchId, 0);
    expect(await gateway.window()).toEqual([]);
  });

  test("a window whose run died is gone on with by the next one", async () => {
    await gateway.admit(messages("acme", 1));
    gateway.now += 300_000;
    const died = await gateway.freeze();
    await gateway.admit(messages("globex", 1));
    gateway.now += 300_000;
    expect(await gateway.freeze()).toBe(died);
    const [batchId] = await gateway.plan(died!);
    await gateway.write(batchId!);
    await gateway.close(died!);
    expect(await gateway.window()).toHaveLength(1);
  });

  test("a segment whose writer died before its index is finished by a later window, not before its time", async () => {
    const index = gateway.objects.put.bind(gateway.objects);
    gateway.objects.put = async (key, body) => {
      if (key.startsWith("segments/index/")) throw new Error("died");
      return index(key, body);
    };
    const report = await gateway.admit(messages("acme", 2));
    expect(report.failed).toHaveLength(2);
    gateway.objects.put = index;
    expect(await gateway.window()).toEqual([]);
    gateway.now += ABANDONED_AFTER_MS;
    const batchId = await only(gateway.window());
    expect((await gateway.batches.get(batchId))!.plan.requests).toBe(2);
  });

  test("a redelivery after a crash points at the first segment, and nothing is placed twice", async () => {
    const sent = messages("acme", 2);
    const put = gateway.objects.put.bind(gateway.objects);
    gateway.objects.put = async (key, body) => {
      if (key.startsWith("segments/index/")) throw new Error("died");
      return put(key, body);
    };
    await gateway.admit(sent);
    gateway.objects.put = put;
    expect(await gateway.admit(sent)).toMatchObject({ admitted: 0, duplicates: 2, failed: [] });
    gateway.now += ABANDONED_AFTER_MS;
    const batchId = await only(gateway.window());
    expect((await gateway.batches.get(batchId))!.plan.requests).toBe(2);
  });
});
