import { beforeEach, expect, test } from "vitest";
import { closeBatch } from "../../../lambdas/close-batch/close-batch.ts";
import { RetryableError } from "../../../lambdas/domain/failures.ts";
import { DEFAULT_HEADROOM, type HeadroomLimits } from "../../../lambdas/domain/headroom.ts";
import type { BatchId, WindowId } from "../../../lambdas/domain/ids.ts";
import { toIso } from "../../../lambdas/domain/instant.ts";
import type { PlanSettings } from "../../../lambdas/domain/planner.ts";
import { indexEntrySchema } from "../../../lambdas/domain/job-record.ts";
import { planWindow } from "../../../lambdas/plan-window/plan-window.ts";
import { LANE_PLAN, MINUTE } from "../domain/planner-entries.ts";
import { answerAll, answerLine, jobMessage, MemoryGateway } from "../support/memory-gateway.ts";

const AT_ONCE: PlanSettings = { ...LANE_PLAN, minBatchJobs: 1 };
let gateway: MemoryGateway;

beforeEach(async () => {
  gateway = new MemoryGateway();
  await gateway.addTenant({ tenantId: "acme" });
});

async function admit(count: number, minutes: number, first = 0): Promise<void> {
  const deadline = toIso(gateway.now + minutes * MINUTE);
  const messages = Array.from({ length: count }, (_, number) =>
    gateway.message(jobMessage({ idempotencyKey: `k${first + number}`, deadline })),
  );
  await gateway.admit(messages);
}

async function freeze(): Promise<WindowId> {
  gateway.now += 5 * MINUTE;
  const windowId = await gateway.freeze();
  if (windowId === null) throw new Error("nothing was frozen");
  return windowId;
}

async function window(settings: PlanSettings = AT_ONCE) {
  const windowId = await freeze();
  const planned = await planWindow(windowId, gateway, settings);
  for (const batchId of planned.batches) await gateway.write(batchId);
  await gateway.close(windowId);
  return planned;
}

async function planOf(batchId: BatchId) {
  const record = await gateway.batches.get(batchId);
  if (record === undefined) throw new Error(`${batchId} is not registered`);
  return record.plan;
}

test("what no batch can do in time is asked for in its lane, at its attempt, with the reason", async () => {
  await admit(1, 12);
  await admit(2, 24 * 60, 10);
  const { batches, jobs } = await window();
  expect(jobs).toEqual({ placed: 2, direct: 1, carried: 0 });
  expect(batches).toHaveLength(1);
  expect(gateway.runs.take()).toMatchObject([
    {
      kind: "run",
      reason: "planned",
      attempt: 1,
      lane: { lane: "sync", reason: "no batch is in time with 7 min left: sync is the cheapest that is" },
    },
  ]);
});

test("a run that died while it asked for them is finished by the next, as it was planned", async () => {
  await admit(120, 12);
  const windowId = await freeze();
  let sends = 0;
  const runs = {
    send: async () => {
      sends += 1;
      if (sends === 2) throw new RetryableError("the queue is away");
    },
  };
  await expect(planWindow(windowId, { ...ports(), runs }, AT_ONCE)).rejects.toThrow("the queue is away");
  // Two days later nothing is in time, and it makes no difference: the plan stands.
  gateway.now += 2 * 24 * 60 * MINUTE;
  await planWindow(windowId, gateway, AT_ONCE);
  const asked = gateway.runs.take();
  expect(asked).toHaveLength(120);
  expect(asked[0]).toMatchObject({ lane: { reason: expect.stringContaining("7 min left") } });
  await planWindow(windowId, gateway, AT_ONCE);
  expect(gateway.runs.take()).toEqual(asked);
});

function ports() {
  const { objects, windows, batches, jobs, tenants, runtime } = gateway;
  return { objects, windows, batches, jobs, tenants, runtime };
}

test("a plan says by when its jobs are due, in at most 64 steps, and its lines agree", async () => {
  for (let number = 0; number < 90; number += 1) await admit(1, 60 + number, number);
  const { batches } = await window();
  const plan = await planOf(batches[0]!);
  const { dues = [], linesKey, earliestDue, requests, tokens } = plan;
  expect(dues.length).toBeLessThanOrEqual(64);
  expect(dues.length).toBeGreaterThan(30);
  expect(dues[0]?.due).toBe(earliestDue);
  expect(dues.reduce((sum, { jobs }) => sum + jobs, 0)).toBe(requests);
  expect(dues.reduce((sum, step) => sum + step.tokens, 0)).toBe(tokens);
  const lines = Buffer.from((await gateway.objects.get(linesKey)) ?? "")
    .toString()
    .trim()
    .split("\n");
  const counts = new Map<number, number>();
  for (const line of lines) {
    const { due } = indexEntrySchema.parse(JSON.parse(line));
    counts.set(due, (counts.get(due) ?? 0) + 1);
  }
  expect([...counts].toSorted(([a], [b]) => a - b)).toEqual(dues.map(({ due, jobs }) => [due, jobs]));
});

test("tokens of open batches count, and closing a batch gives them back", async () => {
  await admit(3, 24 * 60);
  const [{ tokens }] = [await planOf((await window()).batches[0]!)];
  const openai = { enqueuedTokens: { default: Math.ceil(tokens * 1.4), perModel: {} }, batchesPerHour: 2000 };
  const headroom: HeadroomLimits = { ...DEFAULT_HEADROOM, openai };
  await admit(3, 24 * 60, 10);
  const second = await window({ ...AT_ONCE, headroom });
  // 0.4 of what three need: room for one.
  expect(second.jobs).toEqual({ placed: 1, direct: 0, carried: 2 });
  expect((await window({ ...AT_ONCE, headroom })).jobs).toEqual({ placed: 0, direct: 0, carried: 2 });
  for await (const { batchId } of gateway.batches.listOpen("openai"))
    await gateway.runBatch(batchId, answerAll);
  expect((await window({ ...AT_ONCE, headroom })).jobs).toEqual({ placed: 2, direct: 0, carried: 0 });
});

test("batches of the last hour count", async () => {
  await admit(1, 24 * 60);
  await window();
  const openai = { ...DEFAULT_HEADROOM.openai, batchesPerHour: 1 };
  const settings = { ...AT_ONCE, headroom: { ...DEFAULT_HEADROOM, openai } };
  await admit(1, 24 * 60, 10);
  expect((await window(settings)).jobs).toMatchObject({ placed: 0, carried: 1 });
  gateway.now += 51 * MINUTE;
  expect((await window(settings)).jobs).toMatchObject({ placed: 1, carried: 0 });
});

test("what an account's batches took is kept when they close, and tells the next windows", async () => {
  await admit(1, 24 * 60);
  const [batchId] = (await window()).batches;
  await gateway.runBatch(batchId!, answerAll);
  const [time] = await Array.fromAsync(gateway.batches.times("openai", 0));
  expect(time).toMatchObject({ batchId, model: "gpt-5-nano", isWhole: true });
  expect(time!.endedAt - time!.submittedAt).toBe(10 * MINUTE);
  await closeBatch(batchId!, "delete", gateway);
  expect(await Array.fromAsync(gateway.batches.times("openai", 0))).toEqual([time]);
});

test("a batch that was cut off is kept as one that would have taken longer", async () => {
  await admit(2, 24 * 60);
  const [batchId] = (await window()).batches;
  await gateway.runBatch(batchId!, (lines) => ({
    status: "expired",
    output: lines.slice(1).map((line) => answerLine(line)),
  }));
  expect(await Array.fromAsync(gateway.batches.times("openai", 0))).toMatchObject([{ isWhole: false }]);
});

test("while no batch ends, jobs that cannot wait for it leave for a direct lane", async () => {
  for (let number = 0; number < 12; number += 1) {
    await admit(1, 24 * 60, number);
    const [batchId] = (await window()).batches;
    await gateway.submit(batchId!);
  }
  await admit(1, 40, 100);
  expect((await window()).jobs).toEqual({ placed: 0, direct: 1, carried: 0 });
  expect(gateway.runs.take()).toMatchObject([{ lane: { reason: expect.stringContaining("would be late") } }]);
});
