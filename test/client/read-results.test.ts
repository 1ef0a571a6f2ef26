import { PutObjectCommand } from "@aws-sdk/client-s3";
import { GetQueueAttributesCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ReadItem, type ReadOptions, readResults } from "../../client/read-results.ts";
import { type QueuesAndBuckets, startQueuesAndBuckets } from "../contracts/emulators.ts";
import { aResult, put } from "./sample-results.ts";

let aws: QueuesAndBuckets;
let sqs: SQSClient;
let queueUrl: string;

beforeAll(async () => {
  aws = await startQueuesAndBuckets();
  sqs = aws.sqs();
});
afterAll(async () => await aws.stop());
beforeEach(async () => {
  queueUrl = await aws.createQueue();
});

/** What the queue gives until it is empty. */
async function readAll(options: Partial<ReadOptions> = {}): Promise<ReadItem[]> {
  const items: ReadItem[] = [];
  for await (const item of readResults({ sqs, queueUrl, maxWait: 0, ...options })) items.push(item);
  return items;
}

function keys(items: readonly ReadItem[]): (string | null)[] {
  return items.map((item) => (item.kind === "result" ? item.result.idempotencyKey : item.kind));
}

/** Messages on the queue, hidden ones included. */
async function leftOnQueue(): Promise<number> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ["All"] }),
  );
  const { ApproximateNumberOfMessages: visible, ApproximateNumberOfMessagesNotVisible: hidden } = Attributes;
  return Number(visible) + Number(hidden);
}

function refusal(messageId: string) {
  return aResult("same", { jobId: null, messageId, status: "rejected", response: null });
}

/** A result whose response lies in a bucket, between others'. */
async function storeLarge(key: string) {
  const bucket = await aws.createBucket();
  const { result: _, ...stored } = aResult(key, { response: { text: "long é".repeat(1000) } });
  const before = Buffer.from(`${JSON.stringify({ other: "line" })}\n`);
  const line = Buffer.from(JSON.stringify(stored));
  const object = "results/tenant=acme/b-1-p0.jsonl";
  await aws.s3().send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: object,
      Body: Buffer.concat([before, line, Buffer.from("\n")]),
    }),
  );
  return {
    stored,
    message: aResult(key, {
      response: null,
      result: { bucket, key: object, offset: before.length, length: line.length },
    }),
  };
}

describe("reading results", () => {
  test("takes both forms of message, in order, and leaves the queue empty", async () => {
    await put(sqs, queueUrl, aResult("a"), { version: 1, results: [aResult("b"), aResult("c")] });
    const items = await readAll();
    expect(keys(items)).toEqual(["a", "b", "c"]);
    expect(items[0]?.kind === "result" && items[0].result).toEqual(aResult("a"));
    expect(await leftOnQueue()).toBe(0);
  });

  test("reads more than one receive gives", async () => {
    const many = Array.from({ length: 25 }, (_, number) => `job-${number}`);
    await put(sqs, queueUrl, ...many.map((key) => aResult(key)));
    expect(new Set(keys(await readAll()))).toEqual(new Set(many));
    expect(await leftOnQueue()).toBe(0);
  });

  test("drops a repeat, in another message and in the same one", async () => {
    await put(sqs, queueUrl, aResult("a"), {
      version: 1,
      results: [aResult("a"), aResult("b"), aResult("b")],
    });
    expect(keys(await readAll())).toEqual(["a", "b"]);
    expect(await leftOnQueue()).toBe(0);
  });

  test("a failed job that succeeded on another round is no repeat", async () => {
    const failed = aResult("a", { status: "failed", response: null, error: { code: "x", message: "y" } });
    await put(sqs, queueUrl, failed, aResult("a", { attempts: 2, producedAt: "2026-11-21T12:00:00.000Z" }));
    const items = await readAll();
    expect(items.map((item) => item.kind === "result" && item.result.status)).toEqual([
      "failed",
      "succeeded",
    ]);
  });

  test("refusals are told apart by the message they refuse", async () => {
    await put(sqs, queueUrl, refusal("m-1"), refusal("m-2"), refusal("m-1"));
    expect(await readAll()).toHaveLength(2);
  });

  test("remembers as many results as it is told to, the oldest forgotten first", async () => {
    await put(sqs, queueUrl, ...["a", "b", "c", "c", "a"].map((key) => aResult(key)));
    expect(keys(await readAll({ remembered: 2 }))).toEqual(["a", "b", "c", "a"]);
  });

  test("ends on its signal, also while it waits", async () => {
    const stop = new AbortController();
    await put(sqs, queueUrl, aResult("a"));
    const seen: string[] = [];
    for await (const item of readResults({ sqs, queueUrl, signal: stop.signal })) {
      seen.push(item.kind);
      // The reader is in its long poll by then, or about to begin it: both must end.
      setImmediate(() => stop.abort());
    }
    expect(seen).toEqual(["result"]);
  });
});

describe("acknowledging", () => {
  test("a loop that breaks leaves the result it was at, and everything after it, to be read again", async () => {
    await put(sqs, queueUrl, aResult("a"), aResult("b"), aResult("c"));
    for await (const item of readResults({ sqs, queueUrl, maxWait: 0, visibilityTimeout: 0 })) {
      if (item.kind === "result" && item.result.idempotencyKey === "b") break;
    }
    expect(keys(await readAll())).toEqual(expect.arrayContaining(["b", "c"]));
  });

  test("messages received but never given out go back at once, whatever their timeout", async () => {
    await put(sqs, queueUrl, aResult("a"), aResult("b"), aResult("c"));
    for await (const item of readResults({ sqs, queueUrl, maxWait: 0, visibilityTimeout: 3600 })) {
      await item.ack();
      break;
    }
    expect(keys(await readAll()).toSorted()).toEqual(["b", "c"]);
  });

  test("by hand: a message goes when its last result is acknowledged, in any order and however often", async () => {
    await put(sqs, queueUrl, { version: 1, results: [aResult("a"), aResult("b"), aResult("c")] });
    const [a, b, c] = await readAll({ acknowledge: "manual" });
    await c?.ack();
    await c?.ack();
    await a?.ack();
    expect(await leftOnQueue()).toBe(1);
    await b?.ack();
    expect(await leftOnQueue()).toBe(0);
  });

  test("by hand: what was not acknowledged comes again, although it was seen", async () => {
    await put(sqs, queueUrl, { version: 1, results: [aResult("a"), aResult("b")] });
    const seen: (string | null)[] = [];
    for await (const item of readResults({ sqs, queueUrl, visibilityTimeout: 0, acknowledge: "manual" })) {
      seen.push(...keys([item]));
      if (seen.length === 1) await item.ack();
      if (seen.length === 3) break;
    }
    // The message came twice: "a" was acknowledged and is dropped, "b" is given again.
    expect(seen).toEqual(["a", "b", "b"]);
  });
});

describe("what is no result", () => {
  const broken = { ...aResult("b"), status: "perhaps" };

  test.each([
    ["not JSON", "hello", "not valid JSON"],
    ["a wrong field", JSON.stringify(broken), "status"],
    ["no results", JSON.stringify({ version: 1, results: [] }), "no result"],
  ])(
    "%s is shown with what is wrong, and stays on the queue until it is acknowledged",
    async (_, body, problem) => {
      await put(sqs, queueUrl, body, aResult("good"));
      const items = await readAll();
      expect(keys(items).toSorted()).toEqual(["good", "unreadable"]);
      const unreadable = items.find((item) => item.kind === "unreadable");
      expect(unreadable).toMatchObject({ body, problem: expect.stringContaining(problem) as string });
      expect(await leftOnQueue()).toBe(1);
      await unreadable?.ack();
      expect(await leftOnQueue()).toBe(0);
    },
  );
});

describe("responses too large for a message", () => {
  test("are fetched where the result says they lie", async () => {
    const { stored, message } = await storeLarge("a");
    await put(sqs, queueUrl, message);
    const [item] = await readAll({ s3: aws.s3() });
    expect(item?.kind === "result" && item.result.response).toEqual(stored.response);
  });

  test("stay null without an S3 client", async () => {
    const { message } = await storeLarge("a");
    await put(sqs, queueUrl, message);
    const [item] = await readAll();
    expect(item?.kind === "result" && item.result.response).toBeNull();
  });

  test("that are no longer kept make the result unreadable; a failed job has none to fetch", async () => {
    const bucket = await aws.createBucket();
    const pointer = { bucket, key: "results/tenant=acme/gone.jsonl", offset: 0, length: 10 };
    const failed = aResult("failed", { status: "failed", response: null, result: pointer });
    await put(sqs, queueUrl, aResult("gone", { response: null, result: pointer }), failed);
    const items = await readAll({ s3: aws.s3() });
    expect(items.map((item) => item.kind)).toEqual(["unreadable", "result"]);
    expect(items[0]).toMatchObject({ problem: expect.stringContaining("gone.jsonl") as string });
  });
});
