import { beforeEach, expect, test } from "vitest";
import { toIso } from "../../lambdas/domain/instant.ts";
import { answerAll, jobMessage, MemoryGateway } from "./support/memory-gateway.ts";
import { freezeWindow } from "../../lambdas/freeze-window/freeze-window.ts";
import { closeWindow } from "../../lambdas/close-window/close-window.ts";
import { PROVIDER_BATCH_LIMITS } from "../../lambdas/domain/limits.ts";
import { planWindow } from "../../lambdas/plan-window/plan-window.ts";

const DAY = 86_400_000;
const HOUR = DAY / 24;
let gateway: MemoryGateway;

beforeEach(async () => {
  gateway = new MemoryGateway();
  await gateway.addTenant({ tenantId: "acme" });
});

/** One window of a stage where small groups wait for company. */
async function patientWindow() {
  const windowId = await freezeWindow(toIso(gateway.now), gateway);
  if (windowId === null) return [];
  const settings = { limits: PROVIDER_BATCH_LIMITS, minBatchJobs: 50, leadMs: 2 * HOUR, maxJobs: 1000 };
  const { batches } = await planWindow(windowId, gateway, settings);
  await closeWindow(windowId, gateway);
  return batches;
}

test("a job whose deadline is a year off is not kept until its request is stored no longer", async () => {
  const deadline = toIso(gateway.now + 365 * DAY);
  await gateway.admit([gateway.message(jobMessage({ deadline }))]);
  expect(await patientWindow()).toEqual([]);
  gateway.now += 6 * DAY;
  expect(await patientWindow()).toEqual([]);
  gateway.now += DAY - HOUR;
  const [batchId] = await patientWindow();
  await gateway.write(batchId!);
  await gateway.runBatch(batchId!, answerAll);
  // Not late: that is measured by the deadline itself.
  gateway.now += DAY;
  expect(await gateway.results("acme")).toMatchObject([{ status: "succeeded", late: false }]);
});

test("one that nobody can run ends within the time for which its request is stored", async () => {
  await gateway.admit([gateway.message(jobMessage({ deadline: toIso(gateway.now + 365 * DAY) }))]);
  await gateway.batches.hold("openai", { until: gateway.now + 400 * DAY, code: "no_credit", message: "pay" });
  gateway.now += 14 * DAY;
  expect(await gateway.window()).toEqual([]);
  for (const request of gateway.runs.take()) await gateway.runRequested(request);
  expect(await gateway.results("acme")).toMatchObject([{ status: "expired" }]);
});
