import { setImmediate as nextTurn } from "node:timers/promises";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import {
  type SendMessageBatchCommandInput,
  type SendMessageBatchCommandOutput,
  SQSClient,
} from "@aws-sdk/client-sqs";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { QueueUrls } from "../../client/queue-urls.ts";
import { queueUrlsFromOutputs } from "../../client/queue-urls.ts";
import { callsOf } from "../../client/send-call.ts";
import { type JobInput, submitJobs } from "../../client/submit-jobs.ts";
import { jobMessageSchema } from "../../lambdas/domain/job-message.ts";
import { type QueuesAndBuckets, startQueuesAndBuckets } from "../contracts/emulators.ts";

const MIB = 1_048_576;

let aws: QueuesAndBuckets;
let queueUrls: QueueUrls;

beforeAll(async () => {
  aws = await startQueuesAndBuckets();
});
afterAll(async () => await aws.stop());
beforeEach(async () => {
  const [critical, high, normal, low] = await Promise.all(Array.from({ length: 4 }, () => aws.createQueue()));
  queueUrls = queueUrlsFromOutputs({
    JobsCriticalQueueUrl: critical,
    JobsHighQueueUrl: high,
    JobsNormalQueueUrl: normal,
    JobsLowQueueUrl: low,
  });
});

function aJob(key: string, fields: Partial<JobInput> = {}): JobInput {
  return {
    tenantId: "acme",
    idempotencyKey: key,
    taskType: "post_call_summary",
    vertical: "healthcare",
    agentId: "front-desk",
    request: {
      provider: "openai",
      endpoint: "/v1/chat/completions",
      body: { model: "gpt-5-nano", messages: [{ role: "user", content: key }] },
    },
    ...fields,
  };
}

/** A job whose message has exactly this many bytes, in characters of two bytes each as far as they go. */
function aJobOf(bytes: number, key: string): JobInput {
  const withText = (content: string) =>
    aJob(key, {
      request: {
        provider: "openai",
        endpoint: "/v1/chat/completions",
        body: { model: "gpt-5-nano", messages: [{ role: "user", content }] },
      },
    });
  const room = bytes - Buffer.byteLength(JSON.stringify({ ...withText(""), version: 1 }));
  return withText("é".repeat(Math.floor(room / 2)) + "x".repeat(room % 2));
}

type Answer = Pick<SendMessageBatchCommandOutput, "Successful" | "Failed">;

/** An SQS client whose SendMessageBatch is answered by `answer`; the calls it got. */
function scripted(
  answer: (
    entries: NonNullable<SendMessageBatchCommandInput["Entries"]>,
    call: number,
  ) => Answer | Promise<Answer>,
) {
  const calls: SendMessageBatchCommandInput[] = [];
  const sqs = new SQSClient({ region: "us-east-1", credentials: { accessKeyId: "x", secretAccessKey: "x" } });
  sqs.middlewareStack.add(
    () => async (args) => {
      const input = args.input as SendMessageBatchCommandInput;
      const number = calls.push(input);
      const output = { $metadata: {}, ...(await answer(input.Entries ?? [], number)) };
      return { response: {}, output };
    },
    { step: "initialize", priority: "high" },
  );
  return { sqs, calls };
}

const taken = (entries: readonly { Id?: string | undefined }[]) =>
  entries.map(({ Id }) => ({ Id, MessageId: `m-${Id}`, MD5OfMessageBody: "" }));

describe("submitting to SQS", () => {
  test("every job arrives as a valid job message, on the queue of its tier, with its tenant as group", async () => {
    const jobs = [
      aJob("plain"),
      aJob("low", { tier: "low", tenantId: "globex" }),
      aJob("urgent by its task", { taskType: "voice_agent_reply" }),
      aJob("tier before task", { taskType: "voice_agent_reply", tier: "high" }),
    ];
    const outcomes = await submitJobs(jobs, { sqs: aws.sqs(), queueUrls });
    expect(outcomes.map(({ kind }) => kind)).toEqual(["sent", "sent", "sent", "sent"]);
    const arrived = async (tier: keyof QueueUrls) =>
      (await aws.drain(queueUrls[tier])).map(
        ({ Body = "" }) => jobMessageSchema.parse(JSON.parse(Body)).idempotencyKey,
      );
    expect(await arrived("normal")).toEqual(["plain"]);
    expect(await arrived("low")).toEqual(["low"]);
    expect(await arrived("critical")).toEqual(["urgent by its task"]);
    expect(await arrived("high")).toEqual(["tier before task"]);
  });

  test("outcomes are in the order of the jobs, whichever queue they went to", async () => {
    const jobs = Array.from({ length: 35 }, (_, number) =>
      aJob(`job-${number}`, { tier: number % 2 === 0 ? "normal" : "low" }),
    );
    const outcomes = await submitJobs(jobs, { sqs: aws.sqs(), queueUrls });
    const messages = [...(await aws.drain(queueUrls.normal)), ...(await aws.drain(queueUrls.low))];
    const keyOf = new Map(
      messages.map(({ MessageId, Body = "" }) => [
        MessageId,
        jobMessageSchema.parse(JSON.parse(Body)).idempotencyKey,
      ]),
    );
    expect(outcomes.map((outcome) => outcome.kind === "sent" && keyOf.get(outcome.messageId))).toEqual(
      jobs.map(({ idempotencyKey }) => idempotencyKey),
    );
  });

  test("a message of exactly 1 MiB goes as it is, one byte more goes by way of S3", async () => {
    const bucket = await aws.createBucket();
    const s3 = aws.s3();
    const jobs = [aJobOf(MIB, "fits"), aJobOf(MIB + 1, "too large")];
    const outcomes = await submitJobs(jobs, { sqs: aws.sqs(), queueUrls, uploads: { s3, bucket } });
    expect(outcomes.map(({ kind }) => kind)).toEqual(["sent", "sent"]);
    const messages = (await aws.drain(queueUrls.normal)).map(({ Body = "" }) =>
      jobMessageSchema.parse(JSON.parse(Body)),
    );
    const request = (key: string) => messages.find(({ idempotencyKey }) => idempotencyKey === key)?.request;
    expect(request("fits")).toEqual(jobs[0]?.request);
    const uploaded = request("too large");
    const key = uploaded && "s3Key" in uploaded ? uploaded.s3Key : "";
    expect(key).toMatch(/^uploads\/tenant=acme\/[0-9a-f]{64}\.json$/);
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    expect(JSON.parse((await Body?.transformToString()) ?? "")).toEqual(jobs[1]?.request);
  });

  test("characters that SQS refuses arrive all the same", async () => {
    const job = aJob("odd \uFFFE\uFFFF");
    const [outcome] = await submitJobs([job], { sqs: aws.sqs(), queueUrls });
    expect(outcome?.kind).toBe("sent");
    const [message] = await aws.drain(queueUrls.normal);
    expect(jobMessageSchema.parse(JSON.parse(message?.Body ?? "")).request).toEqual(job.request);
  });
});

describe("jobs that cannot be sent", () => {
  test("are told what is wrong with them, and keep no other job back", async () => {
    const jobs = [
      aJob("no tenant", { tenantId: "Not A Tenant" }),
      aJob("good"),
      aJob("wrong request", { request: { provider: "openai", endpoint: "/v1/chat/completions" } as never }),
      aJob("unknown field", { colour: "red" } as never),
    ];
    const outcomes = await submitJobs(jobs, { sqs: aws.sqs(), queueUrls });
    expect(outcomes).toMatchObject([
      { kind: "failed", reason: expect.stringContaining("tenantId") as string },
      { kind: "sent" },
      { kind: "failed", reason: expect.stringContaining("request.body") as string },
      { kind: "failed", reason: expect.stringContaining("colour") as string },
    ]);
    expect(await aws.drain(queueUrls.normal)).toHaveLength(1);
  });

  test("a job above 1 MiB without a bucket says what it needs; nothing of it is sent", async () => {
    const [outcome] = await submitJobs([aJobOf(MIB + 1, "large")], { sqs: aws.sqs(), queueUrls });
    expect(outcome).toMatchObject({ kind: "failed", reason: expect.stringContaining("uploads") as string });
    expect(await aws.drain(queueUrls.normal)).toHaveLength(0);
  });

  test("a job whose upload fails is not sent", async () => {
    const uploads = { s3: aws.s3(), bucket: "no-such-bucket" };
    const jobs = [aJobOf(MIB + 1, "large"), aJob("small")];
    const outcomes = await submitJobs(jobs, { sqs: aws.sqs(), queueUrls, uploads });
    expect(outcomes.map(({ kind }) => kind)).toEqual(["failed", "sent"]);
    expect(await aws.drain(queueUrls.normal)).toHaveLength(1);
  });
});

describe("what SQS does not take", () => {
  test("only entries that it refused are sent again", async () => {
    const { sqs, calls } = scripted((entries, call) =>
      call === 1
        ? {
            Successful: taken(entries.filter(({ Id }) => Id !== "1")),
            Failed: [{ Id: "1", SenderFault: false, Code: "InternalError" }],
          }
        : { Successful: taken(entries), Failed: [] },
    );
    const outcomes = await submitJobs([aJob("a"), aJob("b"), aJob("c")], { sqs, queueUrls });
    expect(outcomes.map(({ kind }) => kind)).toEqual(["sent", "sent", "sent"]);
    expect(calls.map(({ Entries }) => Entries?.length)).toEqual([3, 1]);
    expect(calls[1]?.Entries?.[0]?.MessageBody).toContain('"idempotencyKey":"b"');
    expect(calls[0]?.Entries?.map(({ MessageGroupId }) => MessageGroupId)).toEqual(["acme", "acme", "acme"]);
  });

  test("what it blames on us is not tried again", async () => {
    const { sqs, calls } = scripted(() => ({
      Successful: [],
      Failed: [{ Id: "0", SenderFault: true, Code: "AccessDenied", Message: "no" }],
    }));
    const outcomes = await submitJobs([aJob("a")], { sqs, queueUrls });
    expect(outcomes).toEqual([{ kind: "failed", reason: "AccessDenied: no" }]);
    expect(calls).toHaveLength(1);
  });

  test("after the last try the job has failed, with the last reason", async () => {
    const { sqs, calls } = scripted((entries) => ({
      Successful: [],
      Failed: entries.map(({ Id }) => ({ Id, SenderFault: false, Code: "InternalError" })),
    }));
    const outcomes = await submitJobs([aJob("a")], { sqs, queueUrls, tries: 3 });
    expect(outcomes).toMatchObject([
      { kind: "failed", reason: expect.stringContaining("InternalError") as string },
    ]);
    expect(calls).toHaveLength(3);
  });

  test("an entry that the answer leaves out is sent again, and never counted as sent", async () => {
    const { sqs, calls } = scripted(() => ({ Successful: [], Failed: [] }));
    const outcomes = await submitJobs([aJob("a")], { sqs, queueUrls, tries: 2 });
    expect(outcomes.map(({ kind }) => kind)).toEqual(["failed"]);
    expect(calls).toHaveLength(2);
  });

  test("a call that fails fails its own jobs only", async () => {
    const { sqs } = scripted((entries, call) => {
      if (call === 1) throw new Error("connection lost");
      return { Successful: taken(entries), Failed: [] };
    });
    const jobs = Array.from({ length: 15 }, (_, number) => aJob(`job-${number}`));
    const outcomes = await submitJobs(jobs, { sqs, queueUrls, concurrency: 1 });
    expect(outcomes.filter(({ kind }) => kind === "failed")).toHaveLength(10);
    expect(outcomes.slice(10).map(({ kind }) => kind)).toEqual(Array(5).fill("sent"));
  });

  test("an abort leaves what was sent as sent, and the rest as failed", async () => {
    const stop = new AbortController();
    const { sqs } = scripted((entries) => {
      stop.abort();
      return {
        Successful: taken(entries.slice(0, 1)),
        Failed: entries.slice(1).map(({ Id }) => ({ Id, SenderFault: false, Code: "InternalError" })),
      };
    });
    const outcomes = await submitJobs([aJob("a"), aJob("b")], { sqs, queueUrls, signal: stop.signal });
    expect(outcomes).toMatchObject([
      { kind: "sent" },
      { kind: "failed", reason: expect.stringContaining("abort") as string },
    ]);
  });

  test("never more calls under way than were asked for", async () => {
    let underWay = 0;
    let most = 0;
    const { sqs } = scripted(async (entries) => {
      most = Math.max(most, ++underWay);
      await nextTurn();
      underWay--;
      return { Successful: taken(entries), Failed: [] };
    });
    const jobs = Array.from({ length: 95 }, (_, number) => aJob(`job-${number}`));
    await submitJobs(jobs, { sqs, queueUrls, concurrency: 3 });
    expect(most).toBe(3);
  });
});

describe("packing", () => {
  test("keeps every entry, in order, and both limits of a call", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: MIB })), (sizes) => {
        const entries = sizes.map((bytes, number) => ({
          number,
          bytes,
          tenantId: "acme",
          queue: "normal" as const,
          body: "",
          upload: null,
        }));
        const calls = callsOf(entries);
        expect(calls.flat()).toEqual(entries);
        for (const call of calls) {
          expect(call.length).toBeGreaterThan(0);
          expect(call.length).toBeLessThanOrEqual(10);
          expect(call.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(MIB);
        }
      }),
    );
  });
});

test("outputs without a queue are refused by name", () => {
  expect(() => queueUrlsFromOutputs({ JobsHighQueueUrl: "http://localhost/q" })).toThrow(
    "JobsCriticalQueueUrl",
  );
});
