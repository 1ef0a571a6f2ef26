import { beforeEach, describe, expect, test } from "vitest";
import { usedOf } from "../../lambdas/domain/budget.ts";
import type { TenantId } from "../../lambdas/domain/ids.ts";
import type { BudgetWarning } from "../../lambdas/admit-jobs/apply-limits.ts";
import { answerAll, completion, jobMessage, MemoryGateway } from "./support/memory-gateway.ts";

const ACME = "acme" as TenantId;
const TODAY = "2026-11-21";
const TOMORROW = "2026-11-22";
const HOUR = 3_600_000;

/** A low job: some 10 tokens in and 1,000 out on gpt-5-nano, so 0.4 thousandths of a dollar at the price at once. */
function job(key: string, fields: Record<string, unknown> = {}, maxTokens = 1000) {
  const body = {
    model: "gpt-5-nano",
    max_completion_tokens: maxTokens,
    messages: [{ role: "user", content: "hi" }],
  };
  const request = { provider: "openai", endpoint: "/v1/chat/completions", body };
  return jobMessage({ idempotencyKey: key, tier: "low", request, ...fields });
}

const JOB_MICRO_USD = 400.4;

let gateway: MemoryGateway;
let warnings: BudgetWarning[];
beforeEach(() => {
  gateway = new MemoryGateway();
  warnings = [];
  gateway.warn = (warning) => void warnings.push(warning);
  gateway.answer = () => ({ statusCode: 200, body: completion(), retryAfterMs: null });
});

const limit = (limits: object) =>
  gateway.addTenant({ tenantId: "acme", limits: { onLimit: "defer", weight: 1, ...limits } });
const admit = (...keys: string[]) => gateway.admit(keys.map((key) => gateway.message(job(key))));
const refusals = async () => (await gateway.results("acme")).map(({ error }) => error);

async function indexed(): Promise<Record<string, number | undefined>> {
  const found: Record<string, number | undefined> = {};
  for await (const { key } of gateway.objects.list("segments/lines/")) {
    const lines = Buffer.from((await gateway.objects.get(key))!)
      .toString("utf8")
      .trim()
      .split("\n");
    for (const line of lines) {
      const { idempotencyKey, notBefore } = JSON.parse(line) as {
        idempotencyKey: string;
        notBefore?: number;
      };
      found[idempotencyKey] = notBefore;
    }
  }
  return found;
}

describe("jobs per minute", () => {
  test("above the limit wait for the minutes that have room, and are planned no earlier", async () => {
    await limit({ jobsPerMinute: 2 });
    expect(await admit("a", "b", "c", "d", "e")).toMatchObject({ admitted: 5, refused: 0 });
    const minute = Math.floor(gateway.now / 60_000) * 60_000;
    expect(await indexed()).toEqual({
      a: undefined,
      b: undefined,
      c: minute + 60_000,
      d: minute + 60_000,
      e: minute + 120_000,
    });
    gateway.now -= 300_000;
    const [batchId] = await gateway.window();
    expect((await gateway.batches.get(batchId!))!.plan.requests).toBe(2);
    expect((await gateway.batches.get((await gateway.window())[0]!))!.plan.requests).toBe(3);
  });

  test("are refused where the policy says so, with when to send again, and take no claim", async () => {
    await limit({ jobsPerMinute: 1, onLimit: "refuse" });
    expect(await admit("a", "b", "b")).toMatchObject({ admitted: 1, refused: 2 });
    expect(await refusals()).toMatchObject([
      { code: "rate_limited", message: expect.stringContaining("send it again at 2026-11-21T12:01") },
      { code: "rate_limited" },
    ]);
    gateway.now += 60_000;
    expect(await admit("b")).toMatchObject({ admitted: 1, refused: 0 });
  });

  test("are refused where every minute until they are due is taken", async () => {
    await limit({ jobsPerMinute: 1 });
    const soon = { deadline: new Date(gateway.now + 90_000).toISOString() };
    const keys = ["a", "b", "c"];
    await gateway.admit(keys.map((key) => gateway.message(job(key, soon))));
    expect(await refusals()).toMatchObject([{ code: "rate_limited" }]);
  });

  test("hold urgent jobs too: these cannot wait, and are refused", async () => {
    await limit({ jobsPerMinute: 1 });
    const urgent = (key: string) => gateway.message(job(key, { tier: "critical" }), "critical");
    expect(await gateway.runMessage(urgent("a"))).toBe("ended");
    expect(await gateway.runMessage(urgent("b"))).toBe("turned-away");
    expect((await refusals()).filter(Boolean)).toMatchObject([{ code: "rate_limited" }]);
    expect(gateway.calls).toBe(1);
  });

  test("never refuse what is there already: a redelivery is the job that it was", async () => {
    await limit({ jobsPerMinute: 1, onLimit: "refuse" });
    const message = gateway.message(job("a"));
    await gateway.admit([message]);
    expect(await gateway.admit([message])).toMatchObject({ duplicates: 1, refused: 0 });
    const urgent = gateway.message(job("u", { tier: "critical" }), "critical");
    gateway.now += 60_000;
    await gateway.runMessage(urgent);
    expect(await gateway.runMessage(urgent)).toBe("duplicate");
  });
});

describe("the budget of a day", () => {
  const used = async (day = TODAY) => {
    const budget = await gateway.budgets.get(ACME, day);
    return budget === undefined ? undefined : usedOf(budget);
  };

  test("is reserved at the price at once and counts the cost in its place when the jobs have ended", async () => {
    await limit({ dailyBudgetMicroUsd: 10 * JOB_MICRO_USD });
    await admit("a", "b");
    expect(await used()).toEqual({ spent: 0n, reserved: 800_800_000n });
    await gateway.sweep();
    expect(await used()).toEqual({ spent: 0n, reserved: 800_800_000n });
    await gateway.runBatch((await gateway.window())[0]!, answerAll);
    expect(await gateway.sweep()).toMatchObject({ reservationsOpen: 0, failures: [] });
    const results = await gateway.results("acme");
    const cost = results.reduce((sum, { costPicoUsd }) => sum + BigInt(costPicoUsd), 0n);
    expect(cost).toBeGreaterThan(0n);
    expect(await used()).toEqual({ spent: cost, reserved: 0n });
  });

  test("without room has jobs wait for the next UTC day, whose budget they take", async () => {
    await limit({ dailyBudgetMicroUsd: 2 * JOB_MICRO_USD });
    expect(await admit("a", "b", "c")).toMatchObject({ admitted: 3, refused: 0 });
    expect(await indexed()).toEqual({ a: undefined, b: undefined, c: Date.parse(TOMORROW) });
    expect([(await used())?.reserved, (await used(TOMORROW))?.reserved]).toEqual([
      800_800_000n,
      400_400_000n,
    ]);
  });

  test("refuses what is due before it has room, what may not wait, and what alone is dearer than a day", async () => {
    await limit({ dailyBudgetMicroUsd: JOB_MICRO_USD });
    await admit("a");
    const soon = { deadline: new Date(gateway.now + HOUR).toISOString() };
    const messages = [job("due", soon), job("dear", {}, 1001)].map((fields) => gateway.message(fields));
    await gateway.admit(messages);
    await gateway.runMessage(gateway.message(job("urgent", { tier: "high" }), "high"));
    expect(await refusals()).toMatchObject([
      { code: "budget_exceeded", message: expect.stringContaining("send it again at 2026-11-22T00:00") },
      { code: "budget_exceeded", message: expect.stringContaining("the job alone") },
      { code: "budget_exceeded" },
    ]);
    expect(gateway.calls).toBe(0);
  });

  test("is told of once when four fifths are used", async () => {
    await limit({ dailyBudgetMicroUsd: 5 * JOB_MICRO_USD });
    await admit("a", "b", "c");
    expect(warnings).toEqual([]);
    await admit("d");
    await admit("e");
    expect(warnings).toEqual([{ tenantId: "acme", day: TODAY, share: 0.8 }]);
  });

  test("reserves nothing for duplicates and conflicts, and gives back what a race reserved twice", async () => {
    await limit({ dailyBudgetMicroUsd: 10 * JOB_MICRO_USD });
    await admit("a");
    await admit("a");
    await gateway.admit([gateway.message(job("a", {}, 5))]);
    expect((await used())?.reserved).toBe(400_400_000n);
    // Both look before either claims.
    await Promise.all([admit("b"), admit("b")]);
    expect((await used())?.reserved).toBe(800_800_000n);
  });

  test("of an urgent job is free again as soon as it has ended", async () => {
    await limit({ dailyBudgetMicroUsd: JOB_MICRO_USD });
    const message = gateway.message(job("u", { tier: "critical" }), "critical");
    await gateway.runMessage(message);
    const after = await used();
    expect(after?.reserved).toBe(0n);
    expect(after?.spent).toBeGreaterThan(0n);
    await gateway.runMessage(message);
    expect(await used()).toEqual(after);
  });

  test("is given back for what a dead worker reserved, when nobody can claim it any more", async () => {
    await limit({ dailyBudgetMicroUsd: 2 * JOB_MICRO_USD });
    const put = gateway.objects.putStream.bind(gateway.objects);
    gateway.objects.putStream = () => Promise.reject(new Error("the worker died"));
    expect((await admit("a")).failed).toHaveLength(1);
    gateway.objects.putStream = put;
    expect((await used())?.reserved).toBe(400_400_000n);
    gateway.now += HOUR - 1;
    expect(await gateway.sweep()).toMatchObject({ reservationsOpen: 1 });
    gateway.now += 1;
    expect(await gateway.sweep()).toMatchObject({ reservationsOpen: 0 });
    expect(await used()).toEqual({ spent: 0n, reserved: 0n });
  });

  test("is not given back between the reservation and the claim, also of a job that ended before", async () => {
    await limit({ dailyBudgetMicroUsd: 3 * JOB_MICRO_USD });
    const refuseAll = (lines: readonly string[]) => ({
      status: "failed",
      output: [],
      refusals: lines.map((_line, number) => ({ code: "bad", line: number + 1, message: "bad row" })),
    });
    await admit("a");
    await gateway.runBatch((await gateway.window())[0]!, refuseAll);
    await gateway.sweep();
    expect(await used()).toEqual({ spent: 0n, reserved: 0n });
    const put = gateway.objects.putStream.bind(gateway.objects);
    gateway.objects.putStream = async (...parameters) => {
      await gateway.sweep();
      return put(...parameters);
    };
    const again = [job("a", { retry: true }), job("b")].map((fields) => gateway.message(fields));
    expect(await gateway.admit(again)).toMatchObject({ admitted: 2, failed: [] });
    expect((await used())?.reserved).toBe(800_800_000n);
    await gateway.admit(again);
    expect((await used())?.reserved).toBe(800_800_000n);
  });

  test("is free again when a job was cancelled", async () => {
    await limit({ dailyBudgetMicroUsd: 2 * JOB_MICRO_USD });
    await admit("a");
    const cancel = { version: 1, tenantId: "acme", cancel: { idempotencyKey: "a" } };
    await gateway.admit([gateway.message(cancel)]);
    await gateway.sweep();
    expect(await used()).toEqual({ spent: 0n, reserved: 0n });
  });
});

test("a tenant without limits costs no request", async () => {
  await gateway.addTenant({ tenantId: "acme" });
  const asked = new Set<string>();
  const budgets = new Proxy(gateway.budgets, {
    get: (target, name) => {
      asked.add(String(name));
      return Reflect.get(target, name) as unknown;
    },
  });
  Object.assign(gateway, { budgets });
  await admit("a", "b");
  await gateway.runMessage(gateway.message(job("u", { tier: "critical" }), "critical"));
  expect([...asked]).toEqual([]);
});
