import { beforeEach, describe, expect, test } from "vitest";
import { MemoryBatches } from "../../lambdas/adapters/memory-batches.ts";
import { MemoryJobMap } from "../../lambdas/adapters/memory-job-map.ts";
import { MemoryLedger } from "../../lambdas/adapters/memory-ledger.ts";
import { MemoryObjectStore } from "../../lambdas/adapters/memory-object-store.ts";
import type { PlannedBatch } from "../../lambdas/domain/batch-record.ts";
import type { TenantId } from "../../lambdas/domain/ids.ts";
import type { LedgerEntry } from "../../lambdas/domain/ledger-entry.ts";
import { batchManifestKey, collectedKey } from "../../lambdas/domain/object-keys.ts";
import { findBatches, RECONCILED_MS } from "../../lambdas/reconcile-batches/find-batches.ts";
import { reconcileBatches } from "../../lambdas/reconcile-batches/reconcile-batches.ts";
import {
  type Difference,
  loggedDifference,
  newlyClosed,
  type Reconciliation,
} from "../../lambdas/reconcile-batches/reconciliation-report.ts";
import { aClaim, aMove, anEntry, aPlan, NOON } from "../contracts/sample-records.ts";
import {
  ANSWER_PICO,
  answered,
  answerLineOf,
  customIdFor,
  errorLineOf,
  jobOf,
  putSettledBatch,
  refused,
  type SettledBatch,
  unanswered,
} from "./support/settled-batch.ts";

const HOUR = 3_600_000;
const GLOBEX = "globex" as TenantId;

let stores: {
  objects: MemoryObjectStore;
  batches: MemoryBatches;
  jobs: MemoryJobMap;
  ledger: MemoryLedger;
};

beforeEach(() => {
  stores = {
    objects: new MemoryObjectStore({ chunkBytes: 97 }),
    batches: new MemoryBatches(),
    jobs: new MemoryJobMap(),
    ledger: new MemoryLedger(),
  };
});

const put = (batch: SettledBatch, number = 1) => putSettledBatch(stores, number, batch);

async function reconciled(now = NOON + 24 * HOUR): Promise<Reconciliation> {
  const { closed } = await findBatches(now - RECONCILED_MS, now, stores.batches);
  return reconcileBatches(closed, { ...stores, runtime: { now: () => now } }, { strangers: true });
}

async function differences(): Promise<readonly Difference[]> {
  return (await reconciled()).differences;
}

/** An entry for one answer of a batch that nobody of its requests gave. */
function oneMore({ batchId }: PlannedBatch, fields: Partial<LedgerEntry> = {}): LedgerEntry {
  const cost = ANSWER_PICO.toString();
  const usage = { ...anEntry("2026-11-21#x").usage, inputTokens: 1_000, outputTokens: 100 };
  return anEntry("2026-11-21#more", {
    batchId,
    usage,
    answers: 1,
    jobs: 0,
    costPicoUsd: cost,
    syncCostPicoUsd: cost,
    ...fields,
  });
}

describe("batches that were settled as they should", () => {
  test("have no differences, and cost what was answered", async () => {
    await put({
      requests: [answered("acme", "1"), answered("acme", "2"), refused("acme", "3"), answered("globex", "1")],
    });
    await put({ requests: [unanswered("acme", "4"), refused("globex", "2")] }, 2);
    expect(await reconciled()).toEqual({
      batches: 2,
      unreached: [],
      cost: 3n * ANSWER_PICO,
      differences: [],
      unconfirmed: [],
    });
  });

  test("may have answered a job that another attempt or a cancel has ended, which is charged all the same", async () => {
    await put({ requests: [answered("acme", "1", { job: "elsewhere" })] });
    expect(await reconciled()).toMatchObject({ cost: ANSWER_PICO, differences: [] });
  });

  test("may have sent a job to the dead letters, or nothing at all", async () => {
    await put({ requests: [unanswered("acme", "1", { job: "dead-lettered" })] });
    expect(await differences()).toEqual([]);
  });

  test("lie about nothing when lines are repeated, contradict each other, or answer nobody", async () => {
    const one = { tenant: "acme", key: "1" };
    const id = customIdFor(one);
    const dear = { prompt_tokens: 9_000, completion_tokens: 900 };
    await put({
      requests: [answered(one.tenant, one.key)],
      output: [
        errorLineOf(id),
        answerLineOf(id),
        answerLineOf(id, dear),
        answerLineOf("nobody-1"),
        "{no json\n",
      ],
    });
    expect(await reconciled()).toMatchObject({ cost: ANSWER_PICO, differences: [] });
  });

  test("include orphans, whose requests are another batch's and whose unanswered ones are left to it", async () => {
    const plan = await put({ requests: [answered("acme", "1"), unanswered("acme", "2", { job: "queued" })] });
    expect(await differences()).toMatchObject([{ kind: "jobs", problem: "unended", count: 1 }]);
    await put(
      {
        requests: [
          answered("acme", "1", { job: "elsewhere" }),
          unanswered("acme", "2", { job: "queued" }),
          answered("acme", "3", { job: "elsewhere" }),
        ],
        plan: { orphanOf: plan.batchId },
      },
      2,
    );
    const { cost, differences: found } = await reconciled();
    expect(cost).toBe(3n * ANSWER_PICO);
    expect(found.filter(({ batchId }) => batchId !== plan.batchId)).toEqual([]);
  });
});

describe("the ledger", () => {
  test("without a charge", async () => {
    const { batchId } = await put({
      requests: [answered("acme", "1"), answered("globex", "1", { charged: false })],
    });
    expect(await differences()).toMatchObject([
      {
        kind: "charge",
        batchId,
        key: { tenantId: "globex", date: "2026-11-21", providerBatchId: "batch_1" },
        expected: { cost: ANSWER_PICO, answers: 1, jobs: 1 },
        found: { cost: 0n, answers: 0, jobs: 0 },
      },
    ]);
  });

  test("with an answer charged twice", async () => {
    const plan = await put({ requests: [answered("acme", "1")] });
    await stores.ledger.record([oneMore(plan)]);
    expect(await differences()).toMatchObject([
      { expected: { cost: ANSWER_PICO, answers: 1 }, found: { cost: 2n * ANSWER_PICO, answers: 2 } },
    ]);
  });

  test("with a charge once more on another day", async () => {
    const plan = await put({ requests: [answered("acme", "1")], completedAt: NOON + 11.9 * HOUR });
    await stores.ledger.record([oneMore(plan, { entryId: "2026-11-22#more", date: "2026-11-22" })]);
    expect(await differences()).toMatchObject([
      { key: { date: "2026-11-22" }, expected: { cost: 0n }, found: { cost: ANSWER_PICO } },
    ]);
  });

  test.each<[string, Partial<LedgerEntry>]>([
    ["another tenant", { tenantId: GLOBEX }],
    ["other tags", { agentId: "night-desk" }],
    ["another provider batch", { providerBatchId: "batch_9" }],
    ["another model", { model: "gpt-5" }],
  ])("with a charge under %s", async (_, fields) => {
    const plan = await put({ requests: [answered("acme", "1"), refused("globex", "1")] });
    await stores.ledger.record([oneMore(plan, fields)]);
    expect(await differences()).toMatchObject([
      { kind: "charge", key: fields, found: { cost: ANSWER_PICO } },
    ]);
  });

  test.each<[string, Partial<LedgerEntry>]>([
    [
      "tokens",
      { usage: { ...anEntry("2026-11-21#x").usage, inputTokens: 0, outputTokens: 0, cachedInputTokens: 1 } },
    ],
    ["what it would have cost at once", { syncCostPicoUsd: "1" }],
    ["the jobs ended", { jobs: 1 }],
  ])("with one amount wrong: %s", async (_, fields) => {
    const plan = await put({ requests: [answered("acme", "1")] });
    const nothing = { ...anEntry("2026-11-21#x").usage, inputTokens: 0, outputTokens: 0 };
    await stores.ledger.record([
      oneMore(plan, { answers: 0, usage: nothing, costPicoUsd: "0", syncCostPicoUsd: "0", ...fields }),
    ]);
    expect(await differences()).toHaveLength(1);
  });

  test("with a charge for a batch that nobody registered; one of a batch that is open is none", async () => {
    await put({ requests: [answered("acme", "1")] });
    const open = aPlan(7, "openai");
    await stores.batches.register(open);
    const stranger = aPlan(8, "openai");
    await stores.ledger.record([
      oneMore(open, { entryId: "2026-11-21#open" }),
      oneMore(stranger, { entryId: "2026-11-21#stranger" }),
    ]);
    expect(await differences()).toEqual([
      { kind: "unknown-batch", batchId: stranger.batchId, tenantId: "acme", cost: ANSWER_PICO },
    ]);
  });

  test("names estimates apart from differences", async () => {
    const plan = await put({ requests: [unanswered("acme", "1")] });
    await stores.ledger.record([oneMore(plan, { kind: "unconfirmed", answers: 0, costPicoUsd: "7" })]);
    expect(await reconciled()).toMatchObject({
      differences: [],
      unconfirmed: [{ batchId: plan.batchId, tenantId: "acme", cost: 7n }],
    });
  });
});

describe("the job map", () => {
  test.each([
    ["missing", answered("acme", "1", { job: "missing" })],
    ["unended", answered("acme", "1", { job: "queued" })],
    ["unended", unanswered("acme", "1", { job: "queued" })],
    ["answer-lost", answered("acme", "1", { job: "requeued" })],
    ["answer-lost", answered("acme", "1", { job: "dead-lettered" })],
    ["answer-lost", answered("acme", "1", { job: "failed" })],
    ["answer-invented", unanswered("acme", "1", { job: "succeeded" })],
  ])("%s: %j", async (problem, request) => {
    const { batchId } = await put({ requests: [request, answered("acme", "other")] });
    const found = (await differences()).filter(({ kind }) => kind === "jobs");
    expect(found).toEqual([
      { kind: "jobs", batchId, problem, count: 1, jobs: [{ tenantId: "acme", jobId: jobOf(request) }] },
    ]);
  });

  test("other-cost: the job says another cost than its answer", async () => {
    const one = { tenant: "acme", key: "1" };
    await put({
      requests: [answered(one.tenant, one.key)],
      output: [answerLineOf(customIdFor(one), { prompt_tokens: 1, completion_tokens: 1 })],
    });
    expect(await differences()).toMatchObject([{ kind: "jobs", problem: "other-cost" }, { kind: "charge" }]);
  });

  test("a job that was answered and moved on later, by an attempt after it, is not lost", async () => {
    const one = answered("acme", "1", { job: "elsewhere" });
    await put({ requests: [one] });
    // Cancelled, then opened again by its app: the batch's answer no longer concerns it.
    const job = { tenantId: "acme" as TenantId, jobId: jobOf(one) };
    const claim = {
      ...(await stores.jobs.get(job.tenantId, job.jobId))!,
      retry: true,
      receivedAt: NOON + HOUR,
    };
    await stores.jobs.claim({ ...claim, messageId: "m-2" });
    expect(await stores.jobs.requeue(aMove({ ...job, attempt: 2, by: "b-other-g1-p0" }))).toBe("won");
    expect(await differences()).toEqual([]);
  });

  test("what an old read has wrong is read again before it is told", async () => {
    const requests = [answered("acme", "1"), unanswered("acme", "2")];
    await put({ requests });
    stores.jobs.getMany = async (jobs) => jobs.map(() => undefined);
    expect(await differences()).toEqual([]);
    const before = new MemoryJobMap();
    for (const request of requests) await before.claim(aClaim({ jobId: jobOf(request) }));
    stores.jobs.getMany = (jobs) => before.getMany(jobs);
    expect(await differences()).toEqual([]);
  });

  test("many jobs are one difference that names the first of them", async () => {
    const requests = Array.from({ length: 30 }, (_, number) =>
      unanswered("acme", `${number}`, { job: "queued" }),
    );
    await put({ requests });
    const [found] = await differences();
    if (found?.kind !== "jobs") throw new Error("no difference of jobs");
    expect(found.count).toBe(30);
    expect(found.jobs).toHaveLength(20);
  });
});

describe("what is read", () => {
  test.each([
    ["the manifest", (plan: PlannedBatch) => batchManifestKey(plan.batchId)],
    ["the provider's lines", (plan: PlannedBatch) => collectedKey(plan.batchId, 1, 1, "output")],
  ])("%s is gone: said of that batch, and the others are compared", async (_, keyOf) => {
    const plan = await put({ requests: [answered("acme", "1")] });
    await put({ requests: [answered("acme", "2")] }, 2);
    await stores.objects.delete([keyOf(plan)]);
    const { cost, differences: found } = await reconciled();
    expect(cost).toBe(ANSWER_PICO);
    expect(found).toMatchObject([{ kind: "unreadable", batchId: plan.batchId }]);
  });

  test("a manifest that cannot be read: nothing of it is quoted", async () => {
    const plan = await put({ requests: [answered("acme", "1")] });
    await stores.objects.put(batchManifestKey(plan.batchId), '{"customId":"secret of a tenant"\n');
    const [found] = await differences();
    expect(JSON.stringify(found)).not.toContain("secret");
    expect(found).toMatchObject({ kind: "unreadable" });
  });

  test("a store that does not answer is a failure, not a difference", async () => {
    await put({ requests: [answered("acme", "1")] });
    stores.objects.get = () => Promise.reject(new Error("no connection"));
    await expect(reconciled()).rejects.toThrow("no connection");
  });

  test("open batches are counted, older ones left alone, and each account is looked at", async () => {
    await stores.batches.register(aPlan(5, "openai"));
    await put({ requests: [answered("acme", "1")] }, 6);
    await put({ requests: [answered("acme", "2")], plan: { plannedAt: NOON - 4 * 24 * HOUR } }, 7);
    const found = await findBatches(NOON - RECONCILED_MS, NOON, stores.batches);
    expect(found.open).toBe(1);
    expect(found.closed.map(({ plan }) => plan.batchId)).toEqual([aPlan(6, "openai").batchId]);
  });

  test("what there is no time for is counted: the batches closed first, which were compared the day before", async () => {
    await put({ requests: [answered("acme", "1")], completedAt: NOON + HOUR });
    await put({ requests: [answered("acme", "2")], completedAt: NOON + 2 * HOUR }, 2);
    await put({ requests: [answered("acme", "3")], completedAt: NOON + 3 * HOUR }, 3);
    const { closed } = await findBatches(NOON - HOUR, NOON, stores.batches);
    let now = NOON;
    const ports = { ...stores, runtime: { now: () => now } };
    const done = await reconcileBatches(closed, ports, {
      until: NOON + 20,
      progress: () => void (now += 10),
    });
    expect(done).toMatchObject({ batches: 2, differences: [] });
    expect(done.unreached).toEqual(closed.slice(2));
    // Batch 1 was closed a minute after one o'clock: a day and an hour later, the run before has compared it.
    expect(newlyClosed(done.unreached, NOON + 3 * HOUR)).toHaveLength(1);
    expect(newlyClosed(done.unreached, NOON + 27 * HOUR)).toEqual([]);
    expect(closed.map(({ plan }) => plan.batchId)).toEqual(
      [3, 2, 1].map((number) => aPlan(number, "openai").batchId),
    );
  });
});

test("a logged difference holds ids and amounts, no tenant's own words", async () => {
  const plan = await put({
    requests: [answered("acme", "1", { charged: false }), unanswered("acme", "2", { job: "queued" })],
  });
  await stores.ledger.record([oneMore(aPlan(9, "openai"), { entryId: "2026-11-21#stranger" })]);
  const logged = (await differences()).map(loggedDifference);
  expect(logged).toMatchObject([
    { kind: "jobs", batchId: plan.batchId, problem: "unended", count: 1 },
    { kind: "charge", tenantId: "acme", expectedPicoUsd: "45000000", foundPicoUsd: "0" },
    { kind: "unknown-batch", foundPicoUsd: "45000000" },
  ]);
  for (const words of ["front-desk", "healthcare", "post_call_summary"])
    expect(JSON.stringify(logged)).not.toContain(words);
});
