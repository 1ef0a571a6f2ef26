import { beforeEach, describe, expect, test } from "vitest";
import { answerAll, completion, jobMessage, MemoryGateway } from "./support/memory-gateway.ts";

let gateway: MemoryGateway;

beforeEach(async () => {
  gateway = new MemoryGateway();
  await gateway.addTenant({ tenantId: "acme" });
});

function withBody(body: Record<string, unknown>, fields: Record<string, unknown> = {}) {
  return jobMessage({
    request: {
      provider: "openai",
      endpoint: "/v1/chat/completions",
      body: { model: "gpt-5-nano", messages: [{ role: "user", content: "hi" }], ...body },
    },
    ...fields,
  });
}

async function refusalOf(fields: Record<string, unknown>): Promise<string | undefined> {
  await gateway.admit([gateway.message(fields)]);
  const [result] = await gateway.results("acme");
  if (result === undefined) return undefined;
  expect(result).toMatchObject({ status: "rejected", jobId: null, result: null, costPicoUsd: "0" });
  return result.error?.code;
}

describe("a refused message is answered, makes no claim, and can be corrected", () => {
  test.each([
    ["unknown_model", withBody({ model: "gpt-99" })],
    ["unknown_model", withBody({ model: "text-embedding-3-small" })],
    [
      "stored_reference",
      withBody({ messages: [{ role: "user", content: [{ type: "file", file: { file_id: "f" } }] }] }),
    ],
    ["unpriced_feature", withBody({ web_search_options: {} })],
    ["unpriced_feature", withBody({ service_tier: "priority" })],
    ["streaming", withBody({ stream: true })],
    ["unsupported_field", withBody({ made_up: 1 })],
    ["invalid_message", { ...jobMessage(), vertical: "" }],
    ["invalid_message", { ...jobMessage(), surprise: true }],
    ["invalid_message", { ...jobMessage(), idempotencyKey: "x".repeat(257) }],
    ["invalid_message", { ...jobMessage(), metadata: { text: "x".repeat(2048) } }],
    ["invalid_message", { ...jobMessage(), deadline: "tomorrow" }],
    ["request_too_large", withBody({ messages: [{ role: "user", content: "x".repeat(1_000_000) }] })],
    [
      "unpriced_length",
      withBody({ model: "gpt-5.5", messages: [{ role: "user", content: "x".repeat(600_000) }] }),
    ],
    [
      "answer_too_large",
      jobMessage({
        request: {
          provider: "openai",
          endpoint: "/v1/embeddings",
          body: { model: "text-embedding-3-large", input: Array.from({ length: 2_000 }, () => "x") },
        },
      }),
    ],
    ["upload_not_allowed", { ...jobMessage(), request: { s3Key: "uploads/tenant=globex/secret.json" } }],
    ["upload_not_allowed", { ...jobMessage(), request: { s3Key: "results/tenant=acme/x" } }],
    [
      "upload_not_allowed",
      { ...jobMessage(), request: { s3Key: "uploads/tenant=acme/../tenant=globex/x.json" } },
    ],
    ["upload_missing", { ...jobMessage(), request: { s3Key: "uploads/tenant=acme/nothing.json" } }],
    ["invalid_message", { version: 1, tenantId: "acme", cancel: { idempotencyKey: "k", all: true } }],
    ["unknown_job", { version: 1, tenantId: "acme", cancel: { idempotencyKey: "k" } }],
  ])("%s", async (code, message) => {
    expect(await refusalOf(message)).toBe(code);
    expect(await refusalOf(jobMessage())).toBeUndefined();
  });

  test("what can be told of the message is told with the refusal, a cancel's key included", async () => {
    const streamed = withBody({ stream: true }, { metadata: { callId: "8842" }, idempotencyKey: "k1" });
    const cancel = { version: 1, tenantId: "acme", cancel: { idempotencyKey: "k2" } };
    await gateway.admit([gateway.message(streamed), gateway.message(cancel)]);
    expect(await gateway.results("acme")).toMatchObject([
      { idempotencyKey: "k1", taskType: "post_call_summary", metadata: { callId: "8842" } },
      { idempotencyKey: "k2", error: { code: "unknown_job" } },
    ]);
  });

  test("an upload that holds no request", async () => {
    await gateway.objects.put("uploads/tenant=acme/text.json", "hello");
    await gateway.admit([
      gateway.message({ ...jobMessage(), request: { s3Key: "uploads/tenant=acme/text.json" } }),
    ]);
    expect(await gateway.results("acme")).toMatchObject([
      { error: { code: "invalid_upload", message: '"uploads/tenant=acme/text.json" is not JSON' } },
    ]);
    await gateway.objects.put("uploads/tenant=acme/odd.json", "[1]");
    expect(await refusalOf({ ...jobMessage(), request: { s3Key: "uploads/tenant=acme/odd.json" } })).toBe(
      "invalid_upload",
    );
  });
});

describe("a message that can be told to nobody is kept with its reason", () => {
  test.each([
    ["invalid_json", "{nope"],
    ["unknown_tenant", JSON.stringify(jobMessage({ tenantId: "nobody" }))],
    ["unknown_tenant", JSON.stringify(jobMessage({ tenantId: "../acme" }))],
    ["unknown_tenant", "[]"],
    ["unknown_tenant", "null"],
  ])("%s", async (code, body) => {
    expect(await gateway.admit([gateway.message(body, "high")])).toMatchObject({
      unanswerable: 1,
      failed: [],
    });
    expect(gateway.deadLetters.take("high")).toMatchObject([{ kind: "message", reason: { code }, body }]);
  });

  test("a sender that may not speak for the tenant: the tenant hears nothing of it", async () => {
    await gateway.addTenant({ tenantId: "globex", senders: ["AROAGLOBEX"] });
    const stranger = {
      ...gateway.message(jobMessage({ tenantId: "globex" })),
      senderId: "AROAACME:AROAGLOBEX",
    };
    const own = { ...gateway.message(jobMessage({ tenantId: "globex" })), senderId: "AROAGLOBEX:session" };
    expect(await gateway.admit([stranger, own])).toMatchObject({ admitted: 1, unanswerable: 1 });
    expect(gateway.deadLetters.take("normal")).toMatchObject([{ reason: { code: "sender_not_allowed" } }]);
    expect(await gateway.results("globex")).toEqual([]);
  });
});

test("a dead letter on a job queue is kept and not acted upon: any tenant's app could have written it", async () => {
  const letter = {
    version: 1,
    kind: "job",
    reason: { code: "server_error", message: "three times" },
    at: "2026-11-21T12:00:00.000Z",
    tenantId: "acme",
    jobId: "abcdefghijklmnopqrstuvwxyz",
    attempts: 3,
    source: { key: "uploads/tenant=acme/forged.jsonl", line: 0, offset: 0, length: 10 },
  };
  expect(await gateway.admit([gateway.message(letter, "low")])).toMatchObject({
    unanswerable: 1,
    failed: [],
  });
  expect(gateway.deadLetters.take("low")).toMatchObject([
    { kind: "message", reason: { code: "moved_dead_letter" }, body: JSON.stringify(letter) },
  ]);
  expect(gateway.runs.take()).toEqual([]);
});

test("a message nested too deeply to be walked is kept with its reason", async () => {
  const depth = 400_000;
  const metadata = `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
  const body = JSON.stringify(jobMessage()).replace(/\}$/, `,"metadata":${metadata}}`);
  expect(await gateway.admit([gateway.message(body)])).toMatchObject({ unanswerable: 1, failed: [] });
  expect(gateway.deadLetters.take("normal")).toMatchObject([{ reason: { code: "nested_too_deeply" } }]);
});

describe("repeats", () => {
  test("within one call: one job, and another request under the same key is refused", async () => {
    const same = gateway.message(jobMessage());
    const again = gateway.message(jobMessage());
    const other = gateway.message(withBody({ max_completion_tokens: 9 }));
    expect(await gateway.admit([same, again, other])).toMatchObject({
      admitted: 1,
      duplicates: 1,
      refused: 1,
    });
    expect(await gateway.results("acme")).toMatchObject([{ error: { code: "idempotency_conflict" } }]);
  });

  test("the same request written otherwise is the same: key order and spacing do not count", async () => {
    await gateway.admit([gateway.message(jobMessage())]);
    const { request, ...rest } = jobMessage();
    const shuffled = JSON.stringify(
      { request: Object.fromEntries(Object.entries(request as object).toReversed()), ...rest },
      undefined,
      3,
    );
    expect(await gateway.admit([gateway.message(shuffled)])).toMatchObject({ duplicates: 1, refused: 0 });
  });

  test("the same key of another tenant is another job", async () => {
    await gateway.addTenant({ tenantId: "globex" });
    const messages = [jobMessage(), jobMessage({ tenantId: "globex" })].map((fields) =>
      gateway.message(fields),
    );
    expect(await gateway.admit(messages)).toMatchObject({ admitted: 2 });
  });

  test("after the end the first result comes again", async () => {
    await gateway.admit([gateway.message(jobMessage())]);
    await gateway.runBatch((await gateway.window())[0]!, answerAll);
    const [first] = await gateway.results("acme");
    await gateway.admit([gateway.message(jobMessage())]);
    expect(await gateway.results("acme")).toEqual([first]);
  });

  test("a failed job answers the same until a message says retry, once per message", async () => {
    await gateway.admit([gateway.message(jobMessage())]);
    const fail = (lines: readonly string[]) => ({
      status: "failed",
      output: [],
      refusals: lines.map((_line, number) => ({ code: "bad", line: number + 1, message: "bad row" })),
    });
    await gateway.runBatch((await gateway.window())[0]!, fail);
    expect(await gateway.results("acme")).toMatchObject([{ status: "failed" }]);
    await gateway.admit([gateway.message(jobMessage())]);
    expect(await gateway.results("acme")).toMatchObject([{ status: "failed", attempts: 1 }]);
    const retry = gateway.message(jobMessage({ retry: true }));
    expect(await gateway.admit([retry])).toMatchObject({ admitted: 1 });
    await gateway.runBatch((await gateway.window())[0]!, fail);
    expect(await gateway.results("acme")).toMatchObject([{ status: "failed", attempts: 2 }]);
    // SQS delivers the same retry once more: it was heard already.
    expect(await gateway.admit([retry])).toMatchObject({ admitted: 0, duplicates: 1 });
  });
});

describe("tiers and due times", () => {
  async function admitted(fields: Record<string, unknown>) {
    const message = gateway.message(jobMessage(fields));
    await gateway.admit([message]);
    const lines = await Array.fromAsync(gateway.objects.list("segments/lines/"));
    const bytes = await gateway.objects.get(lines.at(-1)!.key);
    return { message, record: JSON.parse(Buffer.from(bytes!).toString("utf8")) };
  }

  test.each([
    [{ taskType: "post_call_summary" }, "normal", "batch"],
    [{ taskType: "kb_embedding" }, "low", "batch"],
    [{ taskType: "something_new" }, "normal", "batch"],
    [{ taskType: "kb_embedding", tier: "high" }, "high", "sync"],
    [{ taskType: "content_moderation" }, "normal", "sync"],
    [{ taskType: "fraud_detection", tier: "low" }, "low", "sync"],
  ])("%o", async (fields, tier, lane) => {
    expect((await admitted(fields)).record).toMatchObject({ tier, lane });
  });

  test("the policy overrides the table, and lets a guarded type into batches only in so many words", async () => {
    await gateway.addTenant({
      tenantId: "acme",
      tiers: { report_generation: "normal" },
      batchAllowed: ["content_moderation"],
    });
    expect((await admitted({ taskType: "report_generation" })).record).toMatchObject({ tier: "normal" });
    expect((await admitted({ taskType: "content_moderation", idempotencyKey: "m" })).record).toMatchObject({
      lane: "batch",
    });
  });

  test("the record says who set the tier, and whether calls are cut off at its due time", async () => {
    await gateway.addTenant({ tenantId: "acme", cancelAtDue: ["high"] });
    const { record } = await admitted({ taskType: "kb_embedding", tier: "high" });
    expect(record).toMatchObject({ tierReason: "the message says so", cancelAtDue: true });
    expect((await admitted({ idempotencyKey: "n" })).record).not.toHaveProperty("cancelAtDue");
  });

  test("due: the deadline given, else the tier's time from when SQS took the message", async () => {
    const { record, message } = await admitted({});
    expect(record.due).toBe(message.sentAt + 3_600_000);
    const given = await admitted({ idempotencyKey: "d", deadline: "2026-11-21T14:00:00+02:00" });
    expect(given.record.due).toBe(Date.UTC(2026, 10, 21, 12));
  });
});

describe("aliases", () => {
  const routes = { writer: { default: "gpt-5", low: "gpt-5-nano", high: "gpt-99" } };
  beforeEach(() => gateway.addTenant({ tenantId: "acme", routes }));

  async function segmentLine() {
    const [segment] = await Array.fromAsync(gateway.objects.list("segments/lines/"));
    const text = Buffer.from((await gateway.objects.get(segment!.key))!).toString("utf8");
    return JSON.parse(text) as { readonly requestHash: string };
  }

  test("the model of the job's tier is what is asked, grouped and charged; the ledger holds the default's price", async () => {
    await gateway.admit([gateway.message(withBody({ model: "writer" }, { tier: "low" }))]);
    expect(await segmentLine()).toMatchObject({
      body: { model: "gpt-5-nano" },
      group: { model: "gpt-5-nano" },
      alias: { name: "writer", defaultModel: "gpt-5" },
    });
    gateway.now += 86_400_000;
    await gateway.runBatch((await gateway.window())[0]!, answerAll);
    expect(await gateway.results("acme")).toMatchObject([{ status: "succeeded", model: "gpt-5-nano" }]);
    const [entry] = await Array.fromAsync(
      gateway.ledger.entries("acme" as never, "2026-11-01", "2026-11-30"),
    );
    // Both prices of gpt-5 are 25 times those of gpt-5-nano.
    expect(BigInt(entry!.defaultModelCostPicoUsd!)).toBe(BigInt(entry!.syncCostPicoUsd) * 25n);
  });

  test("the request is the same after the route has changed: its hash is of what was sent", async () => {
    const message = gateway.message(withBody({ model: "writer" }, { tier: "low" }));
    await gateway.admit([message]);
    await gateway.addTenant({ tenantId: "acme", routes: { writer: { default: "gpt-5-mini" } } });
    expect(await gateway.admit([message])).toMatchObject({ duplicates: 1, refused: 0 });
  });

  test("a direct call is charged as the model that was called, whatever the route says at its redelivery", async () => {
    const message = gateway.message(withBody({ model: "writer" }, { tier: "critical" }), "critical");
    const body = { ...completion(), model: "gpt-5" };
    gateway.answer = () => ({ statusCode: 200, body, retryAfterMs: null });
    await gateway.runMessage(message);
    const entries = () =>
      Array.fromAsync(gateway.ledger.entries("acme" as never, "2026-11-01", "2026-11-30"));
    const before = await entries();
    await gateway.addTenant({ tenantId: "acme", routes: { writer: { default: "gpt-5-nano" } } });
    await gateway.runMessage(message);
    expect(before).toMatchObject([{ model: "gpt-5" }]);
    expect(await entries()).toEqual(before);
  });

  test("a route to a model that nobody sells here is refused by its name", async () => {
    await gateway.admit([gateway.message(withBody({ model: "writer" }, { tier: "high" }))]);
    expect(await gateway.results("acme")).toMatchObject([
      {
        error: {
          code: "unknown_model",
          message: expect.stringContaining('the alias "writer" stands for by the route writer.high'),
        },
      },
    ]);
  });
});

test("a call with more request bytes than one segment holds makes several, and loses none", async () => {
  const messages = Array.from({ length: 30 }, (_, number) =>
    gateway.message(
      withBody(
        { messages: [{ role: "user", content: "x".repeat(600_000) }] },
        { idempotencyKey: `k${number}` },
      ),
    ),
  );
  expect(await gateway.admit(messages)).toMatchObject({ admitted: 30, failed: [] });
  expect((await Array.fromAsync(gateway.objects.list("segments/lines/"))).length).toBeGreaterThan(1);
  const [batchId] = await gateway.window();
  expect((await gateway.batches.get(batchId!))!.plan.requests).toBe(30);
});
