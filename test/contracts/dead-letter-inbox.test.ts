import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MemoryDeadLetterInbox } from "../../lambdas/adapters/memory-dead-letter-inbox.ts";
import { MemoryOutbox } from "../../lambdas/adapters/memory-outbox.ts";
import { SqsDeadLetterInbox } from "../../lambdas/adapters/sqs-dead-letter-inbox.ts";
import type { RunRequest } from "../../lambdas/domain/internal-messages.ts";
import type { DeadLetterInbox, ReceivedLetter } from "../../lambdas/ports.ts";
import { retryDeadLetters } from "../../lambdas/retry-dead-letters/retry-dead-letters.ts";
import { type QueuesAndBuckets, startQueuesAndBuckets } from "./emulators.ts";

let emulator: QueuesAndBuckets;
beforeAll(async () => {
  emulator = await startQueuesAndBuckets();
});
afterAll(() => emulator.stop());

async function everything(inbox: DeadLetterInbox): Promise<ReceivedLetter[]> {
  const all: ReceivedLetter[] = [];
  for (let some = await inbox.receive(); some.length > 0; some = await inbox.receive()) all.push(...some);
  return all;
}

const makers: [string, (bodies: readonly string[]) => Promise<DeadLetterInbox>][] = [
  ["memory", async (bodies) => new MemoryDeadLetterInbox(bodies)],
  [
    "SQS",
    async (bodies) => {
      const url = await emulator.createQueue();
      const sqs = emulator.sqs();
      for (const body of bodies) await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body }));
      return new SqsDeadLetterInbox(sqs, url);
    },
  ],
];

const bodies = Array.from({ length: 23 }, (_, number) => `letter ${number}`);
const job = {
  version: 1,
  kind: "job",
  reason: { code: "server_error", message: "three times" },
  at: "2026-11-21T12:00:00.000Z",
  tenantId: "acme",
  jobId: "abcdefghijklmnopqrstuvwxyz",
  attempts: 3,
  source: { key: "segments/lines/a.jsonl", line: 0, offset: 0, length: 10 },
};

describe.each(makers)("dead-letter inbox: %s", (_name, make) => {
  it("gives every letter once, hidden from the next look until it is released", async () => {
    const inbox = await make(bodies);
    const received = await everything(inbox);
    expect(received.map(({ body }) => body).toSorted()).toEqual(bodies.toSorted());
    await inbox.release(received.map(({ receipt }) => receipt));
    expect(await everything(inbox)).toHaveLength(bodies.length);
  });

  it("forgets what is deleted, and nothing else", async () => {
    const inbox = await make(bodies.slice(0, 5));
    const received = await everything(inbox);
    await inbox.delete(received.filter(({ body }) => body === "letter 3").map(({ receipt }) => receipt));
    await inbox.release(received.map(({ receipt }) => receipt).slice(0));
    expect((await everything(inbox)).map(({ body }) => body)).not.toContain("letter 3");
    await inbox.delete([]);
    await inbox.release([]);
  });

  it("a retry sends jobs on and leaves everything else to be seen by others", async () => {
    const others = [
      JSON.stringify({ ...job, kind: "message", messageId: "m", senderId: null, body: "x", bodyKey: null }),
      "raw",
    ];
    const inbox = await make([others[0]!, JSON.stringify(job), others[1]!]);
    const runs = new MemoryOutbox<RunRequest>();
    expect(await retryDeadLetters(inbox, runs)).toBe(1);
    const { tenantId, jobId, source } = job;
    expect(runs.take()).toEqual([
      { version: 1, kind: "run", tenantId, jobId, source, reason: "dead-letter" },
    ]);
    expect((await everything(inbox)).map(({ body }) => body).toSorted()).toEqual(others.toSorted());
  });
});
