import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { jobIdOf } from "../../lambdas/domain/ids.ts";
import { aClaim, aPlan, aTenant, anEnd, NOON, OUTCOME } from "../contracts/sample-records.ts";
import { startStackFixture, type StackFixture } from "./stack-fixture.ts";

let fixture: StackFixture;

beforeAll(async () => {
  fixture = await startStackFixture();
});
afterAll(async () => await fixture.stop());

describe("batches", () => {
  const open = aPlan(1, "openai");
  const closed = aPlan(2, "openai");
  const claude = aPlan(3, "anthropic");

  beforeAll(async () => {
    expect((await fixture.offpeak("batches", "list")).out).toContain("no open batches");
    for (const plan of [open, closed, claude]) await fixture.batches.register(plan);
    await fixture.batches.close(closed.batchId, NOON, OUTCOME);
  });

  test("list shows the open ones of every account", async () => {
    const list = (await fixture.json("batches", "list")) as { plan: { batchId: string }; state: string }[];
    expect(list.map(({ plan }) => plan.batchId).toSorted()).toEqual(
      [open.batchId, claude.batchId].toSorted(),
    );
    const { out } = await fixture.offpeak("batches", "list", "--account", "anthropic");
    expect(out).toContain(claude.batchId);
    expect(out).not.toContain(open.batchId);
  });

  test("list says which account is held, and why, for as long as it is", async () => {
    await fixture.batches.hold("openai", { until: Date.now() + 60_000, code: "no_credit", message: "pay" });
    await fixture.batches.hold("anthropic", { until: Date.now() - 1, code: "was", message: "over" });
    const { out } = await fixture.offpeak("batches", "list");
    expect(out).toContain("Nothing is sent to openai until");
    expect(out).toContain("no_credit, pay");
    expect(out).not.toContain("anthropic until");
  });

  test("show tells of one, closed ones too", async () => {
    expect(await fixture.json("batches", "show", closed.batchId)).toMatchObject({
      state: "closed",
      closedAt: NOON,
    });
    const { code, out } = await fixture.offpeak("batches", "show", open.batchId);
    expect(code).toBe(0);
    for (const text of [open.batchId, "planned", "gpt-5-nano", "2026-11-21 12:00:00"])
      expect(out).toContain(text);
  });

  test.each(["nonsense", "b-aaaaaaaaaaaaaaaaaaaa"])("%s is no batch", async (id) => {
    const { code, error } = await fixture.offpeak("batches", "show", id);
    expect(code).toBe(2);
    expect(error).toContain(`no batch ${id}`);
  });
});

describe("jobs show", () => {
  const tenant = aTenant("acme");
  const jobIdFor = (key: string) => jobIdOf(tenant.salt, tenant.policy.tenantId, key);

  beforeAll(async () => {
    await fixture.open().tenants.put(tenant);
    await fixture.jobs.claim(aClaim({ jobId: jobIdFor("queued") }));
    await fixture.jobs.claim(aClaim({ jobId: jobIdFor("ended") }));
    await fixture.jobs.end(anEnd({ jobId: jobIdFor("ended") }));
  });

  test("finds a job by its idempotency key and says where it is", async () => {
    expect(await fixture.json("jobs", "show", "acme", "queued")).toMatchObject({
      idempotencyKey: "queued",
      jobId: jobIdFor("queued"),
      state: "queued",
    });
    const { out } = await fixture.offpeak("jobs", "show", "acme", "ended");
    for (const text of ["succeeded", "$0.000048300", "results/tenant=acme/x.jsonl"])
      expect(out).toContain(text);
  });

  test("a key without a job names the job it would be", async () => {
    const { code, error } = await fixture.offpeak("jobs", "show", "acme", "never sent");
    expect(code).toBe(2);
    expect(error).toContain(jobIdFor("never sent"));
  });
});
