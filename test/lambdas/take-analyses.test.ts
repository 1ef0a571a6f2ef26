import { beforeEach, describe, expect, test } from "vitest";
import { type AnalysisJob, analysisJob } from "../../lambdas/domain/post-call/analysis-job.ts";
import { tenantIdSchema } from "../../lambdas/domain/ids.ts";
import type { ResultMessage } from "../../lambdas/domain/result-message.ts";
import { takeAnalyses } from "../../lambdas/take-analyses/take-analyses.ts";
import { takeTranscripts } from "../../lambdas/take-transcripts/take-transcripts.ts";
import { answeredBy, call, PostCallBench } from "./support/post-call.ts";

const POLICY = { vertical: "salon", model: "gpt-5-nano" };
const GOOD = { summary: "The customer asked for a table.", sentiment: 0.25, leadScore: 71 };
const KEY = "inbox/tenant=acme/calls.jsonl";

let bench: PostCallBench;
let first: AnalysisJob;
beforeEach(async () => {
  bench = new PostCallBench();
  await bench.addTenant("acme", { workloads: { postCall: POLICY } });
  await bench.addTenant("other", { workloads: { postCall: POLICY } });
  await bench.objects.put(
    KEY,
    `${JSON.stringify(call("c-0", "x"))}\n${JSON.stringify(call("c-1", "Hello", "Hi"))}\n`,
  );
  const s3 = { bucket: { name: "memory" }, object: { key: KEY } };
  const body = JSON.stringify({ Records: [{ eventSource: "aws:s3", s3 }] });
  await takeTranscripts({ messageId: "m", body, senderId: null, sentAt: 0 }, bench);
  first = bench.jobs.take()[1]!;
});

const take = (...results: readonly ResultMessage[]) =>
  takeAnalyses(JSON.stringify(results.length === 1 ? results[0] : { version: 1, results }), bench);

async function kept(): Promise<string[]> {
  const keys = await Array.fromAsync(bench.objects.list("workloads/"));
  return keys.map(({ key }) => key);
}

describe("an answer that fits the schema", () => {
  test("goes to the tenant as the analysis, with its cost, and is kept", async () => {
    expect(await take(answeredBy(first, GOOD))).toMatchObject({ analyses: 1, passedOn: 0 });
    const [told] = bench.results("acme");
    expect(told).toMatchObject({
      idempotencyKey: "post-call/c-1",
      status: "succeeded",
      response: GOOD,
      error: null,
      costPicoUsd: "1000000",
      metadata: { callId: "c-1" },
    });
    const [key = ""] = await kept();
    expect(key).toMatch(/^workloads\/post-call\/tenant=acme\/analyses\/[0-9a-f]{32}\.json$/);
    expect(JSON.parse(Buffer.from((await bench.objects.get(key)) ?? []).toString())).toEqual(told);
  });

  test("taken twice is told twice and kept once: the tenant drops repeats by jobId", async () => {
    await take(answeredBy(first, GOOD));
    await take(answeredBy(first, GOOD));
    const [one, two] = bench.results("acme");
    expect(two).toEqual(one);
    expect(await kept()).toHaveLength(1);
    expect(bench.jobs.take()).toEqual([]);
  });

  test("of several tenants' in one run each reaches its own", async () => {
    const others = analysisJob(tenantIdSchema.parse("other"), POLICY, {
      transcript: call("c-9", "x"),
      source: { key: "inbox/tenant=other/a.json", offset: 0, length: 1 },
    });
    await take(answeredBy(first, GOOD), answeredBy(others, { ...GOOD, leadScore: 3 }));
    expect(bench.results("acme").map(({ idempotencyKey }) => idempotencyKey)).toEqual(["post-call/c-1"]);
    expect(bench.results("other").map(({ idempotencyKey }) => idempotencyKey)).toEqual(["post-call/c-9"]);
  });
});

const BAD: readonly (readonly [string, unknown])[] = [
  ["no JSON", "I ignore my instructions!"],
  ["a score above 100", { ...GOOD, leadScore: 101 }],
  ["a score that is no whole number", { ...GOOD, leadScore: 70.5 }],
  ["a sentiment below -1", { ...GOOD, sentiment: -1.01 }],
  ["an empty summary", { ...GOOD, summary: " " }],
  ["an endless summary", { ...GOOD, summary: "x".repeat(2001) }],
  ["a field that is missing", { summary: "x", sentiment: 0 }],
  ["a field more", { ...GOOD, tenant: "acme" }],
  ["text for a number", { ...GOOD, sentiment: "0.2" }],
];

describe("an answer that does not", () => {
  test.each(BAD)("%s: asked for once more, alone", async (_what, content) => {
    expect(await take(answeredBy(first, content))).toMatchObject({ analyses: 0, triedAgain: 1, failed: 0 });
    const [again] = bench.jobs.take();
    expect(again).toEqual({ ...first, idempotencyKey: "post-call-alone/c-1", tier: "high" });
    expect(bench.results("acme")).toEqual([]);
    expect(bench.deadLetters.take()).toEqual([]);
  });

  test.each([
    ["cut off", { finish_reason: "length", message: { content: JSON.stringify(GOOD) } }],
    ["declined", { finish_reason: "stop", message: { content: null, refusal: "I cannot" } }],
  ])("%s: the same", async (_what, choice) => {
    await take(answeredBy(first, "", { response: { choices: [choice] } }));
    expect(bench.jobs.take()).toHaveLength(1);
  });

  test("no answer at all: the same", async () => {
    await take(answeredBy(first, "", { response: null }));
    expect(bench.jobs.take()).toHaveLength(1);
  });

  test("told of twice it is the same second try: one job", async () => {
    await take(answeredBy(first, "no"));
    await take(answeredBy(first, "no"));
    const [one, two] = bench.jobs.take();
    expect(two).toEqual(one);
  });
});

describe("the second try", () => {
  async function second(content: unknown, fields: Partial<ResultMessage> = {}) {
    await take(answeredBy(first, "no"));
    const [again] = bench.jobs.take();
    return take(answeredBy(again!, content, { lane: "sync", tier: "high", ...fields }));
  }

  test("that fits is told under the key of the first", async () => {
    expect(await second(GOOD)).toMatchObject({ analyses: 1 });
    expect(bench.results("acme")).toMatchObject([{ idempotencyKey: "post-call/c-1", response: GOOD }]);
  });

  test("that does not fit is a dead letter and a failed result; what the model wrote is in neither", async () => {
    expect(await second({ ...GOOD, leadScore: 500 })).toMatchObject({ triedAgain: 0, failed: 1 });
    expect(bench.jobs.take()).toEqual([]);
    const results = bench.results("acme");
    expect(results).toMatchObject([
      {
        idempotencyKey: "post-call/c-1",
        status: "failed",
        response: null,
        error: { code: "invalid_analysis" },
      },
    ]);
    const letters = bench.deadLetters.take();
    expect(letters).toMatchObject([
      { version: 1, kind: "invalid-analysis", problem: expect.stringContaining("leadScore") },
    ]);
    expect(JSON.stringify([results, letters])).not.toContain("table");
  });

  test("that failed otherwise is told as it is", async () => {
    const error = { code: "provider_error", message: "away" };
    await second(null, { status: "failed", response: null, error });
    expect(bench.results("acme")).toMatchObject([
      { idempotencyKey: "post-call/c-1", status: "failed", error },
    ]);
    expect(bench.deadLetters.take()).toEqual([]);
  });

  test.each([
    ["gone", undefined],
    ["another's by now", `${"z".repeat(500)}\n`],
    ["of another call by now", JSON.stringify(call("c-1", "Someone else", "Yes"))],
  ])("is not made when the transcript is %s: dead letter and failed result at once", async (_what, body) => {
    await (body === undefined ? bench.objects.delete([KEY]) : bench.objects.put(KEY, body));
    expect(await take(answeredBy(first, "no"))).toMatchObject({ triedAgain: 0, failed: 1 });
    expect(bench.jobs.take()).toEqual([]);
    expect(bench.results("acme")).toMatchObject([{ status: "failed" }]);
    expect(bench.deadLetters.take()).toHaveLength(1);
  });
});

describe("what is no answer of ours", () => {
  test("goes to the tenant as it came: a failed, an expired, a refused job", async () => {
    const error = { code: "idempotency_conflict", message: "another body" };
    const results = (["failed", "expired", "cancelled", "rejected"] as const).map((status) =>
      answeredBy(first, null, { status, response: null, error }),
    );
    expect(await take(...results)).toMatchObject({ passedOn: 4 });
    expect(bench.results("acme")).toEqual(results);
  });

  test("and a job that somebody else sent in our agent's name", async () => {
    const strange = answeredBy(first, "free text", { idempotencyKey: "mine", metadata: {} });
    expect(await take(strange)).toMatchObject({ passedOn: 1 });
    expect(bench.results("acme")).toEqual([strange]);
  });
});
