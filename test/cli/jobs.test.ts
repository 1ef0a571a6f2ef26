import { readFile } from "node:fs/promises";
import { ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeLine } from "../../lambdas/domain/jsonl.ts";
import {
  aClaim,
  ACME,
  aLease,
  aMove,
  anEnd,
  anEntry,
  aPlan,
  aTenant,
  NOON,
} from "../contracts/sample-records.ts";
import { type AdmittedJob, admittedJob, indexEntry, PROMPT } from "./admitted-job.ts";
import { startStackFixture, type StackFixture } from "./stack-fixture.ts";

let fixture: StackFixture;
const tenant = aTenant("acme");

beforeAll(async () => {
  fixture = await startStackFixture();
  await fixture.open().tenants.put(tenant);
});
afterAll(async () => await fixture.stop());

async function queued(key: string): Promise<AdmittedJob> {
  const job = await admittedJob(tenant, key, fixture.open().objects);
  const { jobId, requestHash, laneReason } = job.record;
  await fixture.jobs.claim(aClaim({ jobId, requestHash, laneReason, source: job.source }));
  return job;
}

async function runRequests(): Promise<unknown[]> {
  const { Messages = [] } = await fixture.sqs.send(
    new ReceiveMessageCommand({ QueueUrl: fixture.runsQueueUrl, MaxNumberOfMessages: 10 }),
  );
  return Messages.map(({ Body = "" }) => JSON.parse(Body) as unknown);
}

describe("jobs show", () => {
  test("tells what was admitted, what failed, and that it waits; not what was asked", async () => {
    const { record } = await queued("waiting");
    await fixture.jobs.requeue(aMove({ jobId: record.jobId, by: "b-1-p0", code: "batch_expired", at: NOON }));
    const { out } = await fixture.offpeak("jobs", "show", "acme", "waiting");
    const pieces = [
      record.jobId,
      "2026-11-21 11:59:00",
      "normal",
      "2026-11-21 12:59:00",
      "2026-11-21 12:00:00  attempt 1 failed: batch_expired (b-1-p0)",
      "Now: waiting for a window",
    ];
    for (const piece of pieces) expect(out).toContain(piece);
    const json = await fixture.json("jobs", "show", "acme", "waiting");
    expect(json).toMatchObject({
      state: "queued",
      attempt: 2,
      admitted: { tier: "normal", taskType: "post_call_summary" },
      where: { kind: "waiting" },
    });
    expect(out + JSON.stringify(json)).not.toContain(PROMPT);
  });

  test("by its id alone: tier and lanes with their reasons, times, charges with the premium, and what it cost together", async () => {
    const { record, source } = await queued("whole-story");
    const { jobId } = record;
    await fixture.jobs.requeue(aMove({ jobId, by: "escalate-b-1", code: "batch_late", counts: false }));
    const lane = { lane: "sync", laneReason: "its batch would come too late" } as const;
    await fixture.jobs.lease(aLease({ jobId, requestHash: record.requestHash, source, attempt: 2, ...lane }));
    const lanes = (await fixture.jobs.get(ACME, jobId))?.lanes;
    await fixture.jobs.end(anEnd({ jobId, attempt: 2, costPicoUsd: "1000000000" }));
    await fixture.open().ledger.record([
      anEntry(`2026-11-21#direct#${jobId}#2`, {
        kind: "direct",
        lane: "sync",
        costPicoUsd: "1000000000",
        premiumPicoUsd: "400000000",
      }),
      anEntry(`2026-11-21#unconfirmed#${jobId}#1`, { kind: "unconfirmed", costPicoUsd: "500000000" }),
      anEntry(`2026-11-21#direct#${"a".repeat(26)}#1`, { kind: "direct", lane: "sync" }),
    ]);
    const { out } = await fixture.offpeak("jobs", "show", jobId);
    const pieces = [
      "whole-story",
      "normal (the default for post_call_summary)",
      "sync, from attempt 2: its batch would come too late",
      "batch, from attempt 1: ",
      "attempt 1 failed: batch_late (escalate-b-1)",
      "attempt 2 in the lane sync: $0.001000000, of which premium $0.000400000",
      "attempt 1 in the lane batch: $0.000500000 (an estimate: its answer was lost)",
      "together: $0.001500000",
      "2026-11-21 12:59:00",
      "Now: ended, succeeded.",
    ];
    for (const piece of pieces) expect(out).toContain(piece);
    expect(await fixture.json("jobs", "show", jobId)).toMatchObject({
      idempotencyKey: "whole-story",
      admitted: { tierReason: "the default for post_call_summary" },
      lanes,
      charges: [{ attempt: 1 }, { attempt: 2, premiumPicoUsd: "400000000" }],
    });
  });

  test("an id that no tenant has, or that is none, is told apart", async () => {
    expect((await fixture.offpeak("jobs", "show", "a".repeat(26))).error).toContain("no tenant has a job");
    expect((await fixture.offpeak("jobs", "show", "call-1")).error).toContain("no job id");
  });

  test("names the open batch that has it, by its current attempt and its own group", async () => {
    const job = await queued("in-batch");
    const objects = fixture.open().objects;
    const others = aPlan(1, "openai", { linesKey: "windows/w/other.jsonl" });
    const orphan = aPlan(3, "openai", { linesKey: "windows/w/mine.jsonl", orphanOf: others.batchId });
    const mine = aPlan(2, "openai", { linesKey: "windows/w/mine.jsonl" });
    const plans = [others, orphan, mine].map((plan) => ({ ...plan, group: job.record.group }));
    for (const plan of plans) await fixture.batches.register(plan);
    await objects.put("windows/w/other.jsonl", encodeLine({ ...indexEntry(job), attempt: 2 }));
    await objects.put("windows/w/mine.jsonl", encodeLine(indexEntry(job)));
    expect(await fixture.json("jobs", "show", "acme", "in-batch")).toMatchObject({
      where: { kind: "in-batch", batchId: mine.batchId, state: "planned", providerBatchId: null },
    });
    const { out } = await fixture.offpeak("jobs", "show", "acme", "in-batch");
    expect(out).toContain(`Now: in batch ${mine.batchId}, planned`);
  });

  test("tells of calls under way and of dead letters, also of a job whose request is not stored", async () => {
    const { record, source } = await queued("dead");
    await fixture.jobs.deadLetter({ ...aMove({ jobId: record.jobId }), source });
    expect((await fixture.offpeak("jobs", "show", "acme", "dead")).out).toContain("Now: in the dead letters");
    const running = await admittedJob(tenant, "running", fixture.open().objects);
    await fixture.jobs.lease(aLease({ jobId: running.record.jobId }));
    const { out } = await fixture.offpeak("jobs", "show", "acme", "running");
    expect(out).toContain("Now: a call is under way since 2026-11-21 12:00:00");
    expect(await fixture.json("jobs", "show", "acme", "running")).toMatchObject({ admitted: null });
  });
});

describe("jobs cancel", () => {
  test("asks for the job's end, and says what will come", async () => {
    const { record } = await queued("cancelled");
    const { code, out } = await fixture.offpeak("jobs", "cancel", "acme", "cancelled");
    expect(code).toBe(0);
    expect(out).toContain("ends as cancelled within moments");
    expect(await runRequests()).toEqual([
      {
        version: 1,
        kind: "cancel",
        tenantId: ACME,
        jobId: record.jobId,
        idempotencyKey: "cancelled",
        cancelId: expect.stringMatching(/^operator-/),
        sentAt: NOON,
      },
    ]);
  });

  test("of a round that began later than this machine's clock says is of that round all the same", async () => {
    const { record, source } = await admittedJob(tenant, "future", fixture.open().objects);
    await fixture.jobs.claim(aClaim({ jobId: record.jobId, source, receivedAt: NOON + 5_000 }));
    await fixture.json("jobs", "cancel", "acme", "future");
    expect(await runRequests()).toMatchObject([{ sentAt: NOON + 5_000 }]);
  });

  test("sends nothing for a job that has ended, or was never there", async () => {
    const { record } = await queued("over");
    await fixture.jobs.end(anEnd({ jobId: record.jobId }));
    const { out } = await fixture.offpeak("jobs", "cancel", "acme", "over");
    expect(out).toContain("has ended, succeeded");
    expect((await fixture.offpeak("jobs", "cancel", "acme", "never sent")).code).toBe(2);
    expect(await runRequests()).toEqual([]);
  });

  test("says what is missing in the outputs of an earlier release", async () => {
    await queued("old");
    const outputs = JSON.parse(await readFile(fixture.outputsFile, "utf8")) as { Test: object };
    await fixture.file("outputs.json", { Test: { ...outputs.Test, RunsQueueUrl: undefined } });
    const { code, error } = await fixture.offpeak("jobs", "cancel", "acme", "old");
    await fixture.file("outputs.json", outputs);
    expect({ code, error }).toMatchObject({ code: 2, error: expect.stringContaining("RunsQueueUrl") });
  });
});
