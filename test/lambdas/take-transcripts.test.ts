import { beforeEach, describe, expect, test } from "vitest";
import { jobMessageSchema, providerRequestSchema } from "../../lambdas/domain/job-message.ts";
import { checkRequest } from "../../lambdas/domain/request-rules.ts";
import type { AnalysisJob } from "../../lambdas/domain/post-call/analysis-job.ts";
import { transcriptSourceSchema } from "../../lambdas/domain/post-call/transcript-source.ts";
import { takeTranscripts } from "../../lambdas/take-transcripts/take-transcripts.ts";
import { call, PostCallBench } from "./support/post-call.ts";

const POST_CALL = { workloads: { postCall: { vertical: "salon", model: "gpt-5-nano" } } };
const INBOX = "inbox/tenant=acme/";

let bench: PostCallBench;
beforeEach(async () => {
  bench = new PostCallBench();
  await bench.addTenant("acme", POST_CALL);
  await bench.addTenant("other", POST_CALL);
  await bench.addTenant("off");
});

function take(body: unknown, fields: { messageId?: string; senderId?: string } = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const { messageId = "m-1", senderId = null } = fields;
  return takeTranscripts({ messageId, body: text, senderId, sentAt: Date.UTC(2026, 10, 22) }, bench);
}

function event(key: string, bucket = "memory") {
  return { Records: [{ eventSource: "aws:s3", s3: { bucket: { name: bucket }, object: { key } } }] };
}

async function drop(name: string, body: string | Uint8Array) {
  await bench.objects.put(`${INBOX}${name}`, body);
  return take(event(`${INBOX}${name}`));
}

/** Where a job says that its transcript lies. */
const sourceOf = (job: AnalysisJob | undefined) => transcriptSourceSchema.parse(job?.metadata?.["source"]);

const lines = (...values: readonly unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join("");

test("leads in the inbox are another workload's: they are no transcripts, and nobody is told that they are none", async () => {
  const leads = lines({ id: "l-1", name: "Ada", email: "ada@example.com" });
  expect(await drop("leads/2026-11-21/leads.jsonl", leads)).toEqual({ calls: 0, refused: 0 });
  expect(bench.results("acme")).toEqual([]);
});

describe("a call becomes a job", () => {
  test("from a JSON object, pretty or not", async () => {
    expect(await drop("one.json", JSON.stringify(call("c-1", "Hello", "Hi"), null, 2))).toEqual({
      calls: 1,
      refused: 0,
    });
    const [job] = bench.jobs.take();
    expect(jobMessageSchema.safeParse({ ...job, version: 1 }).error).toBeUndefined();
    expect(checkRequest(providerRequestSchema.parse(job?.request)).kind).toBe("accepted");
    expect(job).toMatchObject({
      tenantId: "acme",
      idempotencyKey: "post-call/c-1",
      taskType: "post_call_summary",
      agentId: "offpeak-post-call",
      vertical: "salon",
      tier: "normal",
      metadata: { callId: "c-1", source: { key: `${INBOX}one.json`, offset: 0 } },
    });
    expect(bench.results("acme")).toEqual([]);
  });

  test("from each line of a JSONL object; its metadata says where it lies", async () => {
    const body = lines(call("a", "one\u2028still one"), call("b", "two"));
    await drop("calls.jsonl", body);
    const jobs = bench.jobs.take();
    expect(jobs.map(({ idempotencyKey }) => idempotencyKey)).toEqual(["post-call/a", "post-call/b"]);
    const { offset, length } = sourceOf(jobs[1]);
    expect(
      JSON.parse(
        Buffer.from(body)
          .subarray(offset, offset + length)
          .toString(),
      ),
    ).toMatchObject({
      call_id: "b",
    });
  });

  test("from a message of its own; it is kept for a second try, and only that of this tenant", async () => {
    await take({ version: 1, tenantId: "acme", transcript: call("c-2", "Hello") });
    const [job] = bench.jobs.take();
    const { key } = sourceOf(job);
    expect(key).toMatch(/^workloads\/post-call\/tenant=acme\/transcripts\/[0-9a-f]{64}\.json$/);
    expect(JSON.parse(Buffer.from((await bench.objects.get(key)) ?? []).toString())).toMatchObject({
      call_id: "c-2",
    });
  });

  test("without an id it is known by what was said, however often and wherever it is dropped", async () => {
    await drop("first.json", JSON.stringify(call(undefined, "Hello")));
    await drop("second.jsonl", lines(call(undefined, "Hello"), call(undefined, "Something else")));
    const [first, second, third] = bench.jobs.take().map(({ idempotencyKey }) => idempotencyKey);
    expect(first).toBe(second);
    expect(third).not.toBe(first);
  });

  test("the same object told of twice makes the same jobs", async () => {
    await drop("calls.jsonl", lines(call("a", "one"), call("b", "two")));
    const first = bench.jobs.take();
    await take(event(`${INBOX}calls.jsonl`));
    expect(bench.jobs.take()).toEqual(first);
  });

  test("hundreds from one object, none left out", async () => {
    const calls = Array.from({ length: 512 }, (_, number) => call(`c-${number}`, `text ${number}`));
    expect(await drop("many.ndjson", lines(...calls))).toEqual({ calls: 512, refused: 0 });
    expect(new Set(bench.jobs.take().map(({ idempotencyKey }) => idempotencyKey)).size).toBe(512);
  });

  test("keys come form-encoded", async () => {
    await bench.objects.put(`${INBOX}très bien.json`, JSON.stringify(call("x", "Hello")));
    await take(event(`${INBOX}tr%C3%A8s+bien.json`));
    expect(bench.jobs.take()).toHaveLength(1);
  });
});

describe("what cannot be analysed is refused to its tenant", () => {
  async function refusals() {
    return bench.results("acme").map(({ error, status, jobId }) => ({ code: error?.code, status, jobId }));
  }
  const refusal = (code: string) => ({ code, status: "rejected", jobId: null });

  test("a line that is no transcript, while the others go on", async () => {
    const body = `${lines(call("a", "one"))}not json\n${lines({ call_id: "n", turns: [] }, call("b", "two"))}`;
    expect(await drop("calls.jsonl", body)).toEqual({ calls: 2, refused: 2 });
    expect(bench.jobs.take()).toHaveLength(2);
    const results = bench.results("acme");
    expect(results).toMatchObject([
      { error: { code: "invalid_json" }, metadata: { object: `${INBOX}calls.jsonl`, line: 2 } },
      { error: { code: "invalid_transcript" }, metadata: { object: `${INBOX}calls.jsonl`, line: 3 } },
    ]);
    // The client drops repeats by message id.
    expect(new Set(results.map(({ messageId }) => messageId)).size).toBe(2);
    expect(JSON.stringify(results)).not.toContain("not json");
  });

  test.each([
    ["a binary file by another name", "call.wav", Buffer.from([0x52, 0x49, 0x46, 0x46]), "unsupported_type"],
    ["a binary file as JSON", "call.json", Buffer.from([0xff, 0xfe, 0x00, 0x80]), "not_text"],
    ["a document of 50 MB", "book.json", Buffer.alloc(50_000_000, 97), "object_too_large"],
    ["50 MB of lines", "book.jsonl", Buffer.alloc(50_000_000, 97), "object_too_large"],
    ["one line of 1 MB", "line.jsonl", Buffer.alloc(1_000_000, 97), "transcript_too_large"],
    ["an empty object", "empty.json", Buffer.alloc(0), "empty_object"],
    ["JSON that is no call", "list.json", Buffer.from("[1,2]"), "invalid_transcript"],
    ["JSON nested too deeply", "deep.json", Buffer.from("[".repeat(200_000)), "invalid_json"],
  ])("%s", async (_what, name, bytes, code) => {
    expect(await drop(name, bytes)).toEqual({ calls: 0, refused: 1 });
    expect(bench.jobs.take()).toEqual([]);
    expect(await refusals()).toEqual([refusal(code)]);
  });

  test("a binary file as lines: read no further than its first line", async () => {
    const bytes = Buffer.concat(Array.from({ length: 500 }, () => Buffer.from([0xff, 0x00, 0x0a])));
    await drop("bin.jsonl", bytes);
    expect(await refusals()).toEqual([refusal("not_text")]);
  });

  test("a file of something else: a hundred lines are refused one by one, and then the rest", async () => {
    await drop("table.jsonl", "a;b;c\n".repeat(5000) + lines(call("late", "Hello")));
    const told = await refusals();
    expect(told).toHaveLength(101);
    expect(told.at(-1)).toEqual(refusal("too_many_bad_lines"));
  });

  test("an object that was deleted before its event came", async () => {
    await take(event(`${INBOX}gone.jsonl`));
    expect(await refusals()).toEqual([refusal("object_missing")]);
  });

  test("the inbox of a tenant that has the workload off", async () => {
    await bench.objects.put("inbox/tenant=off/a.json", JSON.stringify(call("a", "Hello")));
    await take(event("inbox/tenant=off/a.json"));
    expect(bench.jobs.take()).toEqual([]);
    expect(bench.results("off")).toMatchObject([{ status: "rejected", error: { code: "workload_off" } }]);
  });

  test("a sent transcript that is none", async () => {
    await take({ version: 1, tenantId: "acme", transcript: { text: "Hello" } });
    await take({ version: 1, tenantId: "acme" });
    expect(await refusals()).toEqual([refusal("invalid_transcript"), refusal("invalid_transcript")]);
  });

  test("nothing of it is told to others", async () => {
    await drop("call.wav", "x");
    expect(bench.results("other")).toEqual([]);
  });
});

describe("what no tenant can be told stays for the operator", () => {
  test.each([
    ["no JSON", "hello"],
    ["some other message", { hello: 1 }],
    ["an unknown tenant's inbox", event("inbox/tenant=nobody/a.json")],
    ["no tenant's inbox", event("inbox/a.json")],
    ["a tenant id that is none", event("inbox/tenant=A%00/a.json")],
    ["another bucket", event(`${INBOX}a.json`, "elsewhere")],
    ["a key that cannot be read", event(`${INBOX}%E0%A4%A.json`)],
    ["a path that leaves the inbox", event("inbox/../results/a.json")],
  ])("%s", async (_what, body) => {
    await expect(take(body)).rejects.toThrow(
      expect.objectContaining({ name: expect.stringMatching(/Error/) }),
    );
    expect(bench.jobs.take()).toEqual([]);
  });

  test("a transcript from a sender that the tenant does not name", async () => {
    await bench.addTenant("strict", { ...POST_CALL, senders: ["AROAGOOD"] });
    const message = { version: 1, tenantId: "strict", transcript: call("a", "Hello") };
    await expect(take(message, { senderId: "AROABAD:AROAGOOD" })).rejects.toThrow(/may not send/);
    await take(message, { senderId: "AROAGOOD:session" });
    expect(bench.jobs.take()).toHaveLength(1);
  });
});

test("S3's own greeting and the console's folders are nothing", async () => {
  expect(await take({ Service: "Amazon S3", Event: "s3:TestEvent", Bucket: "memory" })).toEqual({
    calls: 0,
    refused: 0,
  });
  expect(await take(event(`${INBOX}2026/`))).toEqual({ calls: 0, refused: 0 });
  expect(bench.results("acme")).toEqual([]);
});

test("jobs that were not sent fail the message: it comes again", async () => {
  await bench.objects.put(`${INBOX}a.json`, JSON.stringify(call("a", "Hello")));
  const jobs = { send: () => Promise.reject(new Error("SQS is away")) };
  const message = {
    messageId: "m",
    body: JSON.stringify(event(`${INBOX}a.json`)),
    senderId: null,
    sentAt: 0,
  };
  await expect(takeTranscripts(message, { ...portsOf(bench), jobs })).rejects.toThrow(/away/);
});

function portsOf({ objects, tenants, queues }: PostCallBench) {
  return { objects, tenants, queues };
}
