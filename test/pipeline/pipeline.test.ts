import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { tenantIdSchema } from "../../lambdas/domain/ids.ts";
import { tenantsFileSchema } from "../../lambdas/domain/tenant-policy.ts";
import { type LocalGateway, startLocalGateway } from "../../local/gateway/local-gateway.ts";
import { operatorClients } from "../../local/gateway/operator-clients.ts";
import { assembleShared } from "../shared-assembly.ts";
import { jobMessage, request, Stranger } from "./stranger.ts";

const codeOf = (reason: unknown) => z.object({ code: z.string() }).parse(reason).code;

let gateway: LocalGateway;
let stranger: Stranger;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "offpeak-pipeline-"));
  gateway = await startLocalGateway({
    speed: 150,
    tenants: tenantsFileSchema.parse([
      { tenantId: "acme" },
      { tenantId: "globex" },
      { tenantId: "north-clinic" },
    ]),
    workFolder: folder,
    assemble: assembleShared,
    simulator: { batchSeconds: 1, seed: "pipeline" },
    environment: {},
    log: () => undefined,
  });
  stranger = new Stranger(gateway.outputs);
}, 120_000);

afterAll(async () => {
  stranger?.close();
  await gateway?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe("the local stack, from outside", { timeout: 60_000 }, () => {
  test("one message goes all its way: queue, batch, result, ledger entry, invoice", async () => {
    await stranger.send("JobsNormalQueueUrl", [JSON.stringify(jobMessage())]);
    const [result] = await stranger.results("Acme", 1);
    expect(result).toMatchObject({
      version: 1,
      tenantId: "acme",
      idempotencyKey: "call-8842/summary",
      taskType: "post_call_summary",
      vertical: "healthcare",
      agentId: "front-desk",
      status: "succeeded",
      late: false,
      error: null,
      provider: "openai",
      model: "gpt-5-nano",
      tier: "normal",
      lane: "batch",
      attempts: 1,
      metadata: { callId: "8842" },
    });
    expect(result).toHaveProperty("response.choices.0.message.content");
    const { tenants: _tenants, sqs: _sqs, ledger, destroy } = operatorClients(gateway.aws, gateway.outputs);
    const entries = await Array.fromAsync(
      ledger.entries(tenantIdSchema.parse("acme"), "2000-01-01", "9999-12-31"),
    );
    destroy();
    expect(entries).toMatchObject([{ jobs: 1, answers: 1, lane: "batch", vertical: "healthcare" }]);
    expect(entries[0]?.costPicoUsd).toBe(result?.["costPicoUsd"]);
    const invoice = await gateway.simulator!.invoice();
    expect(invoice.totalPicoUsd).toBe(result?.["costPicoUsd"]);
  });

  test("an urgent job is answered directly, whatever the windows do", async () => {
    const message = jobMessage({
      tenantId: "globex",
      idempotencyKey: "urgent",
      taskType: "live_chat_response",
    });
    await stranger.send("JobsCriticalQueueUrl", [JSON.stringify(message)]);
    expect(await stranger.results("Globex", 1)).toMatchObject([
      { status: "succeeded", tier: "critical", lane: "sync", idempotencyKey: "urgent" },
    ]);
  });

  test("bad messages are answered or kept with the reason; good ones beside them are unaffected", async () => {
    const tenant = { tenantId: "north-clinic" };
    const refused = [
      jobMessage({ ...tenant, idempotencyKey: "unknown-model", request: request({ model: "gpt-99" }) }),
      jobMessage({
        ...tenant,
        idempotencyKey: "stored",
        request: request({
          messages: [{ role: "user", content: [{ type: "file", file: { file_id: "file-1" } }] }],
        }),
      }),
      jobMessage({ ...tenant, idempotencyKey: "unpriced", request: request({ web_search_options: {} }) }),
      jobMessage({ ...tenant, idempotencyKey: "missing-field", taskType: undefined }),
      jobMessage({ ...tenant, idempotencyKey: "upload", request: { s3Key: "uploads/tenant=acme/x.json" } }),
      jobMessage({
        ...tenant,
        idempotencyKey: "no-upload",
        request: { s3Key: "uploads/tenant=north-clinic/x.json" },
      }),
    ];
    const kept = [
      "this is not JSON",
      JSON.stringify(jobMessage({ tenantId: "nobody" })),
      JSON.stringify({ version: 1 }),
    ];
    const good = jobMessage({ ...tenant, idempotencyKey: "good" });
    const ids = await stranger.send(
      "JobsNormalQueueUrl",
      [...refused, good].map((m) => JSON.stringify(m)),
    );
    await stranger.send("JobsNormalQueueUrl", kept);
    const results = await stranger.results("NorthClinic", refused.length + 1);
    const byKey = new Map(results.map((result) => [result["idempotencyKey"], result]));
    expect(byKey.get("good")).toMatchObject({ status: "succeeded" });
    const codes = refused.map(({ idempotencyKey }) => codeOf(byKey.get(idempotencyKey)?.["error"]));
    expect(codes).toEqual([
      "unknown_model",
      "stored_reference",
      "unpriced_feature",
      "invalid_message",
      "upload_not_allowed",
      "upload_missing",
    ]);
    for (const [number, { idempotencyKey }] of refused.entries()) {
      expect(byKey.get(idempotencyKey)).toMatchObject({
        status: "rejected",
        jobId: null,
        messageId: ids[number],
      });
    }
    const letters = await stranger.deadLetters(kept.length);
    expect(letters.map((letter) => [letter["body"], codeOf(letter["reason"])]).toSorted()).toEqual(
      [
        [kept[0], "invalid_json"],
        [kept[1], "unknown_tenant"],
        [kept[2], "unknown_tenant"],
      ].toSorted(),
    );
  });

  test("a job sent again gets its first result again; the same key with another request is refused", async () => {
    const first = jobMessage({ tenantId: "globex", idempotencyKey: "again" });
    await stranger.send("JobsNormalQueueUrl", [JSON.stringify(first)]);
    const [before] = await stranger.results("Globex", 1);
    await stranger.send("JobsNormalQueueUrl", [JSON.stringify(first)]);
    expect(await stranger.results("Globex", 1, { repeats: true })).toEqual([before]);
    const other = { ...first, request: request({ max_completion_tokens: 500 }) };
    await stranger.send("JobsNormalQueueUrl", [JSON.stringify(other)]);
    expect(await stranger.results("Globex", 1)).toMatchObject([
      { status: "rejected", error: { code: "idempotency_conflict" } },
    ]);
  });

  test("no function asked for what its role does not allow", () => {
    expect(gateway.aws.denials).toEqual([]);
  });
});
