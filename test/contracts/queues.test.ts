import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MemoryDeadLetterQueues } from "../../lambdas/adapters/memory-dead-letter-queues.ts";
import { MemoryOutbox } from "../../lambdas/adapters/memory-outbox.ts";
import { MemoryTenantQueues } from "../../lambdas/adapters/memory-tenant-queues.ts";
import { SqsDeadLetterQueues } from "../../lambdas/adapters/sqs-dead-letter-queues.ts";
import { SqsOutbox } from "../../lambdas/adapters/sqs-outbox.ts";
import { SqsTenantQueues } from "../../lambdas/adapters/sqs-tenant-queues.ts";
import { RetryableError } from "../../lambdas/domain/failures.ts";
import type { Delivery } from "../../lambdas/domain/internal-messages.ts";
import { cutOff, recordCommands, refuseEntries } from "./client-faults.ts";
import { type QueuesAndBuckets, startQueuesAndBuckets } from "./emulators.ts";
import { race } from "./gather.ts";
import { describeDeadLetterQueues, describeOutbox, describeTenantQueues } from "./queues-contract.ts";

let emulator: QueuesAndBuckets;
beforeAll(async () => {
  emulator = await startQueuesAndBuckets();
});
afterAll(() => emulator.stop());

async function bodiesOn(url: string): Promise<string[]> {
  return (await emulator.drain(url)).map((message) => message.Body ?? "");
}

async function jsonOn(url: string): Promise<unknown[]> {
  return (await bodiesOn(url)).map((body): unknown => JSON.parse(body));
}

describeOutbox("memory", async () => {
  const outbox = new MemoryOutbox<Delivery>();
  return { outbox, drain: async () => outbox.take() };
});
describeOutbox("SQS", async () => {
  const url = await emulator.createQueue();
  return { outbox: new SqsOutbox<Delivery>(emulator.sqs(), url), drain: () => jsonOn(url) };
});

describeTenantQueues("memory", async () => {
  const queues = new MemoryTenantQueues();
  return { queues, urls: ["one", "two"], drain: async (url) => queues.take(url) };
});
describeTenantQueues("SQS", async () => ({
  queues: new SqsTenantQueues(emulator.sqs()),
  urls: [await emulator.createQueue(), await emulator.createQueue()],
  drain: bodiesOn,
}));

async function tierQueues() {
  const [critical, high, normal, low] = await race(4, () => emulator.createQueue());
  return { critical: critical ?? "", high: high ?? "", normal: normal ?? "", low: low ?? "" };
}

describeDeadLetterQueues("memory", async () => {
  const queues = new MemoryDeadLetterQueues();
  return { queues, drain: async (tier) => queues.take(tier) };
});
describeDeadLetterQueues("SQS", async () => {
  const urls = await tierQueues();
  return { queues: new SqsDeadLetterQueues(emulator.sqs(), urls), drain: (tier) => jsonOn(urls[tier]) };
});

async function queue() {
  const client = emulator.sqs();
  return { client, url: await emulator.createQueue(), queues: new SqsTenantQueues(client) };
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, number) => JSON.stringify({ number }));
}

describe("sending to SQS", () => {
  it("takes one call for ten messages, and as few as 1 MiB allows", async () => {
    const { client, url, queues } = await queue();
    const sent = recordCommands(client);
    await queues.send(url, numbered(30));
    expect(sent).toHaveLength(3);
    // Four of 300,000 bytes: three in a call.
    await queues.send(
      url,
      Array.from({ length: 4 }, () => JSON.stringify("a".repeat(299_998))),
    );
    expect(sent).toHaveLength(5);
  });

  it("sends only what SQS refused again", async () => {
    const { client, url, queues } = await queue();
    const calls = refuseEntries(client, (body, time) => time < 2 && body.includes("7"));
    await queues.send(url, numbered(30));
    expect((await bodiesOn(url)).sort()).toEqual(numbered(30).sort());
    expect(calls.map((entries) => entries.length).sort((a, b) => a - b)).toEqual([1, 1, 1, 10, 10, 10]);
  });

  it("throws RetryableError when SQS keeps refusing a message, the others sent", async () => {
    const { client, url, queues } = await queue();
    refuseEntries(client, (body) => body.includes("17"));
    await expect(queues.send(url, numbered(30))).rejects.toBeInstanceOf(RetryableError);
    expect(await bodiesOn(url)).toHaveLength(29);
  });

  it("throws RetryableError when SQS is out of reach", async () => {
    const { client, url, queues } = await queue();
    cutOff(client, "SendMessageBatchCommand");
    await expect(queues.send(url, ["{}"])).rejects.toBeInstanceOf(RetryableError);
  });

  it("lets dead letters be told apart by their attributes", async () => {
    const urls = await tierQueues();
    await new SqsDeadLetterQueues(emulator.sqs(), urls).send("high", {
      version: 1,
      kind: "message",
      reason: { code: "unknown_tenant", message: "no tenant of this name" },
      at: "2026-11-21T12:00:00.000Z",
      messageId: "m-1",
      senderId: null,
      body: "{}",
      bodyKey: null,
    });
    const [letter] = await emulator.drain(urls.high);
    expect(letter?.MessageAttributes).toMatchObject({
      reason: { DataType: "String", StringValue: "unknown_tenant" },
      kind: { DataType: "String", StringValue: "message" },
    });
  });
});
