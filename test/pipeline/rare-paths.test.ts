import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tenantsFileSchema } from "../../lambdas/domain/tenant-policy.ts";
import { type LocalGateway, STACK_NAME, startLocalGateway } from "../../local/gateway/local-gateway.ts";
import { assembleShared } from "../shared-assembly.ts";
import { jobMessage, request, Stranger } from "./stranger.ts";

// The paths that an ordinary run does not take, each with the calls to AWS that only it makes: the local AWS checks
// every one against the synthesized roles.

let gateway: LocalGateway;
let stranger: Stranger;
let folder: string;

const OPTIONS = {
  speed: 150,
  tenants: tenantsFileSchema.parse([{ tenantId: "acme" }]),
  simulator: { batchSeconds: 1, seed: "rare-paths" },
  environment: {},
  assemble: assembleShared,
  log: () => undefined,
};

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "offpeak-rare-paths-"));
  gateway = await startLocalGateway({ ...OPTIONS, workFolder: path.join(folder, "main") });
  stranger = new Stranger(gateway.outputs);
}, 120_000);

afterAll(async () => {
  stranger?.close();
  await gateway?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function submit(queue: string, fields: Record<string, unknown>) {
  await stranger.send(queue, [JSON.stringify(jobMessage(fields))]);
  const [result] = await stranger.results("Acme", 1);
  return result;
}

describe("rare paths on the local stack", { timeout: 90_000 }, () => {
  test("a request too large for a message comes by way of the tenant's uploads", async () => {
    const s3 = new S3Client({
      endpoint: stranger.output("Endpoint"),
      region: stranger.output("Region"),
      forcePathStyle: true,
      credentials: { accessKeyId: "stranger", secretAccessKey: "stranger" },
    });
    const large = request({ messages: [{ role: "user", content: "word ".repeat(250_000) }] });
    const key = "uploads/tenant=acme/large.json";
    await s3.send(
      new PutObjectCommand({
        Bucket: stranger.output("GatewayBucketName"),
        Key: key,
        Body: JSON.stringify(large),
      }),
    );
    s3.destroy();
    expect(
      await submit("JobsNormalQueueUrl", { idempotencyKey: "upload", request: { s3Key: key } }),
    ).toMatchObject({
      status: "succeeded",
      lane: "batch",
    });
  });

  test("a batch whose create got no answer is adopted, not made again", async () => {
    for (const operation of ["openai.batches.create", "anthropic.batches.create"] as const) {
      await gateway.simulator!.faults.add({ kind: "lost-answer", operation });
    }
    const before = (await gateway.simulator!.batches()).length;
    expect(await submit("JobsNormalQueueUrl", { idempotencyKey: "lost-openai" })).toMatchObject({
      status: "succeeded",
    });
    const claude = {
      provider: "anthropic",
      endpoint: "/v1/messages",
      body: { model: "claude-haiku-4-5", max_tokens: 50, messages: [{ role: "user", content: "hello" }] },
    };
    expect(
      await submit("JobsNormalQueueUrl", { idempotencyKey: "lost-anthropic", request: claude }),
    ).toMatchObject({ status: "succeeded" });
    expect((await gateway.simulator!.batches()).length).toBe(before + 2);
  });

  test("three failed attempts, the dead letters, and one direct call that ends the job", async () => {
    await gateway.simulator!.faults.add({ kind: "line-error", status: 500, fraction: 1, times: 3 });
    expect(await submit("JobsLowQueueUrl", { idempotencyKey: "unlucky" })).toMatchObject({
      status: "succeeded",
      lane: "sync",
      attempts: 4,
    });
  });

  test("a provider without a batch service: the job ends all the same, by a direct call", async () => {
    await gateway.simulator!.faults.add({
      kind: "http-error",
      operation: "openai.files.create",
      status: 404,
    });
    expect(await submit("JobsNormalQueueUrl", { idempotencyKey: "no-batches" })).toMatchObject({
      status: "succeeded",
      lane: "sync",
      attempts: 2,
    });
  });

  test("an urgent job that came through a slow queue, and a patient one through the quick queue", async () => {
    expect(
      await submit("JobsLowQueueUrl", { idempotencyKey: "urgent", taskType: "voice_agent_reply" }),
    ).toMatchObject({ tier: "critical", lane: "sync" });
    expect(await submit("JobsCriticalQueueUrl", { idempotencyKey: "patient" })).toMatchObject({
      tier: "normal",
      lane: "batch",
    });
  });

  test("a direct call that fails for good, and a message too large to be wrapped in its dead letter", async () => {
    await gateway.simulator!.faults.add({
      kind: "http-error",
      operation: "openai.chat.completions",
      status: 400,
    });
    expect(
      await submit("JobsHighQueueUrl", { idempotencyKey: "refused", taskType: "email_draft" }),
    ).toMatchObject({ status: "failed", lane: "sync", attempts: 1 });
    await stranger.send("JobsHighQueueUrl", ["not JSON ".repeat(50_000)]);
    expect(await stranger.deadLetters(1)).toMatchObject([{ body: null, bodyKey: expect.any(String) }]);
  });

  test("a direct call without an answer is named in the ledger, and the next one ends the job", async () => {
    await gateway.simulator!.faults.add({ kind: "lost-answer", operation: "openai.chat.completions" });
    expect(
      await submit("JobsHighQueueUrl", { idempotencyKey: "unanswered", taskType: "email_draft" }),
    ).toMatchObject({ status: "succeeded", attempts: 2 });
  });

  test("a message that SQS gave up on is admitted from its dead letters, by way of the bucket when it is large", async () => {
    const sqs = new SQSClient({
      endpoint: stranger.output("Endpoint"),
      region: stranger.output("Region"),
      credentials: { accessKeyId: "stranger", secretAccessKey: "stranger" },
    });
    const large = request({ messages: [{ role: "user", content: "word ".repeat(60_000) }] });
    const [, , , QueueUrl] = stranger.output("DeadLetterQueueUrls").split(",");
    const MessageBody = JSON.stringify(jobMessage({ idempotencyKey: "given up", request: large }));
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    sqs.destroy();
    expect(await stranger.results("Acme", 1)).toMatchObject([
      { idempotencyKey: "given up", status: "succeeded", lane: "batch" },
    ]);
  });

  test("a job that a message cancels while its batch cannot be sent", async () => {
    await gateway.simulator!.faults.add({
      kind: "http-error",
      operation: "openai.files.create",
      status: 500,
      times: 20,
    });
    await stranger.send("JobsLowQueueUrl", [JSON.stringify(jobMessage({ idempotencyKey: "unwanted" }))]);
    const cancel = { version: 1, tenantId: "acme", cancel: { idempotencyKey: "unwanted" } };
    // A cancel may overtake the job it is for: it is then told so, and sent again.
    for (;;) {
      await stranger.send("JobsLowQueueUrl", [JSON.stringify(cancel)]);
      const [result] = await stranger.results("Acme", 1);
      if (result?.["status"] === "rejected") continue;
      expect(result).toMatchObject({ idempotencyKey: "unwanted", status: "cancelled", tier: "normal" });
      break;
    }
  });

  test("no function asked for what its role does not allow", () => {
    expect(gateway.aws.denials).toEqual([]);
  });
});

test("a role that lacks an action it needs does show", { timeout: 90_000 }, async () => {
  const crippled = await startLocalGateway({
    ...OPTIONS,
    workFolder: path.join(folder, "crippled"),
    assemble: async (assembly, settings) => {
      await assembleShared(assembly, settings);
      const file = path.join(assembly, `${STACK_NAME}.template.json`);
      const template = await readFile(file, "utf8");
      // Everything that sends to a queue loses the right to.
      await writeFile(file, template.replaceAll('"sqs:SendMessage"', '"sqs:GetQueueUrl"'));
    },
  });
  const sender = new Stranger(crippled.outputs);
  try {
    await sender.send("JobsHighQueueUrl", [JSON.stringify(jobMessage({ taskType: "email_draft" }))]);
    await expect
      .poll(() => crippled.aws.denials, { timeout: 30_000 })
      .toContainEqual(expect.objectContaining({ action: "sqs:SendMessage" }));
  } finally {
    sender.close();
    await crippled.stop();
  }
});
