import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { jobMessageSchema } from "../../../lambdas/domain/job-message.ts";
import { checkRequest } from "../../../lambdas/domain/request-rules.ts";
import { providerRequestSchema } from "../../../lambdas/domain/job-message.ts";
import { readCalls, SAMPLE_CALLS } from "../../../local/demo/calls.ts";
import { jobsOfCalls, jobsOfQueries, repeatsOf } from "../../../local/demo/jobs.ts";
import { countEnds, type DemoReport, findFaults } from "../../../local/demo/report.ts";
import { DEMO_TENANTS } from "../../../local/demo/tenants.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "offpeak-demo-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, text: string): Promise<string> {
  const full = path.join(folder, name);
  await writeFile(full, text);
  return full;
}

describe("the demo's jobs", () => {
  test("the shipped sample makes every kind of job, for six tenants, one per conversation", async () => {
    const calls = await readCalls(SAMPLE_CALLS, Infinity);
    const jobs = jobsOfCalls(calls);
    expect(jobs).toHaveLength(calls.length);
    expect(new Set(jobs.map(({ tenantId }) => tenantId))).toEqual(
      new Set(DEMO_TENANTS.map(({ tenantId }) => tenantId)),
    );
    expect(new Set(jobs.map(({ taskType }) => taskType))).toEqual(
      new Set([
        "post_call_summary",
        "bulk_classification",
        "kb_embedding",
        "lead_scoring",
        "live_chat_response",
      ]),
    );
    expect(new Set(jobs.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(jobs.length);
    for (const job of jobs) {
      expect(jobMessageSchema.safeParse({ version: 1, ...job }).success).toBe(true);
      expect(checkRequest(providerRequestSchema.parse(job.request)).kind).toBe("accepted");
    }
    expect(repeatsOf(jobs).length).toBeGreaterThan(0);
  });

  test("reads as many conversations as asked, and names the line that is none", async () => {
    const call = JSON.stringify({
      call_id: "1",
      vertical: "salon",
      service: "s",
      turns: [{ speaker: "agent", text: "hi" }],
    });
    const good = await file("good.jsonl", `${call}\n\n${call}\n${call}\n`);
    expect(await readCalls(good, 2)).toHaveLength(2);
    const bad = await file("bad.jsonl", `${call}\n{"call_id": 1}\n`);
    await expect(readCalls(bad, 5)).rejects.toThrow(/bad\.jsonl, line 2/);
    await expect(readCalls(await file("empty.jsonl", "\n"), 5)).rejects.toThrow(/no conversations/);
  });

  test("a CSV of queries makes a job a row, quotes and line breaks included", async () => {
    const csv = await file("queries.csv", 'text,category\nWhere is my card?,a\n"Lost, or\nstolen?",b\n');
    const jobs = await jobsOfQueries(csv);
    expect(jobs.map(({ idempotencyKey }) => idempotencyKey)).toEqual(["query-1/intent", "query-2/intent"]);
    expect(JSON.stringify(jobs[1])).toContain("Lost, or\\nstolen?");
    await expect(jobsOfQueries(path.join(folder, "none.csv"))).rejects.toThrow(/none\.csv/);
    await expect(readCalls(path.join(folder, "none.jsonl"), 1)).rejects.toThrow(/none\.jsonl cannot be read/);
    await expect(jobsOfQueries(await file("other.csv", "question\nwhy?\n"))).rejects.toThrow(
      /no column "text"/,
    );
  });
});

describe("the demo's verdict", () => {
  const result = (status: string) => ({
    tenantId: "acme",
    jobId: "j",
    idempotencyKey: "k",
    status,
    taskType: null,
    lane: null,
    costPicoUsd: "0",
  });
  const report = (jobs: Partial<DemoReport["jobs"]>, invoice = "5"): DemoReport => ({
    jobs: {
      submitted: 1,
      distinct: 1,
      succeeded: 1,
      failed: 0,
      expired: 0,
      cancelled: 0,
      rejected: 0,
      lost: 0,
      duplicatesDropped: 0,
      ...jobs,
    },
    batches: [],
    ledger: { totalPicoUsd: "5", syncPicoUsd: "9", byTenant: {} },
    invoice: { totalPicoUsd: invoice },
    deliveries: 1,
    peakWorkerBytes: 0,
    seconds: 1,
  });

  test("what was sent and never read is lost; what was not sent does not count", () => {
    const first = new Map([
      ["acme a", result("succeeded")],
      ["acme b", result("failed")],
      ["acme stranger", result("succeeded")],
    ]);
    expect(countEnds(new Set(["acme a", "acme b", "acme c"]), first)).toMatchObject({
      succeeded: 1,
      failed: 1,
      lost: 1,
    });
  });

  test("finds nothing wrong with a run in which nothing is", () => {
    expect(findFaults(report({}), 0, [])).toEqual([]);
  });

  test.each([
    [report({ lost: 1 }), 0, []],
    [report({ failed: 1 }), 0, []],
    [report({}, "6"), 0, []],
    [report({}), 1, []],
    [report({}), 0, ["s3:GetObject"]],
  ])("finds each fault", (run, strays, denials) => {
    expect(findFaults(run, strays, denials)).toHaveLength(1);
  });
});
