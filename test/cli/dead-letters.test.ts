import {
  GetQueueAttributesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { DeadLetter, Delivery } from "../../lambdas/domain/internal-messages.ts";
import { aClaim, ACME, aTenant, anEnd, NOON } from "../contracts/sample-records.ts";
import { type AdmittedJob, admittedJob, PROMPT } from "./admitted-job.ts";
import { startStackFixture, type StackFixture } from "./stack-fixture.ts";

let fixture: StackFixture;
let stored: AdmittedJob;
let job: DeadLetter;

beforeAll(async () => {
  fixture = await startStackFixture();
  stored = await admittedJob(aTenant("acme"), "one", fixture.open().objects);
  job = {
    version: 1,
    kind: "job",
    reason: { code: "batch_expired", message: "the batch expired" },
    at,
    tenantId: ACME,
    jobId: stored.record.jobId,
    attempts: 3,
    source: stored.source,
  };
});
afterAll(async () => await fixture.stop());
afterEach(async () => {
  for (const QueueUrl of [
    fixture.deadLetterQueueUrl,
    fixture.runsDeadLetterQueueUrl,
    fixture.deliveriesDeadLetterQueueUrl,
    fixture.runsQueueUrl,
    fixture.deliveriesQueueUrl,
  ])
    await fixture.sqs.send(new PurgeQueueCommand({ QueueUrl }));
});

const at = "2026-11-21T11:00:00.000Z";
const message: DeadLetter = {
  version: 1,
  kind: "message",
  reason: { code: "unknown_tenant", message: "no tenant nobody" },
  at,
  messageId: "m-1",
  senderId: "AROASTRANGER:x",
  body: '{"prompt":"something personal"}',
  bodyKey: null,
};
const delivery: Delivery = { version: 1, kind: "object", tenantId: ACME, key: "results/tenant=acme/x.jsonl" };

async function send(queueUrl: string, content: unknown): Promise<string> {
  const MessageBody = typeof content === "string" ? content : JSON.stringify(content);
  const sent = await fixture.sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody }));
  return sent.MessageId ?? "";
}

async function on(queueUrl: string): Promise<unknown[]> {
  const { Messages = [] } = await fixture.sqs.send(
    new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10 }),
  );
  return Messages.map(({ Body = "" }) => JSON.parse(Body) as unknown);
}

/** How many letters anybody could take now. */
async function shown(queueUrl: string): Promise<number> {
  const { Attributes } = await fixture.sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ["All"] }),
  );
  return Number(Attributes?.ApproximateNumberOfMessages);
}

describe("list", () => {
  test("shows letters with their reasons, not their contents, and leaves them where they are", async () => {
    expect((await fixture.offpeak("dead-letters", "list")).out).toContain("no dead letters");
    const id = await send(fixture.deadLetterQueueUrl, job);
    await send(fixture.deadLetterQueueUrl, message);
    await send(fixture.deadLetterQueueUrl, PROMPT);
    await send(fixture.deliveriesDeadLetterQueueUrl, { ...delivery, passes: 30 });
    const letters = await fixture.json("dead-letters", "list");
    expect(letters).toHaveLength(4);
    expect(letters).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ id, kind: "job", tenantId: "acme", attempts: 3, code: "batch_expired" }),
        expect.objectContaining({ kind: "message", tenantId: null, code: "unknown_tenant", since: at }),
        expect.objectContaining({ kind: "moved", code: "not_handled" }),
        expect.objectContaining({ kind: "delivery", passes: 30, queue: "Test-deliveries-dead" }),
      ]),
    );
    const { out } = await fixture.offpeak("dead-letters", "list");
    expect(out).toContain("Test-jobs-normal-dead");
    expect(out + JSON.stringify(letters)).not.toContain(PROMPT);
    expect(await shown(fixture.deadLetterQueueUrl)).toBe(3);
  });

  test("holds its limit", async () => {
    for (let number = 0; number < 12; number++) await send(fixture.deadLetterQueueUrl, job);
    expect(await fixture.json("dead-letters", "list", "--limit", "11")).toHaveLength(11);
    expect((await fixture.offpeak("dead-letters", "list", "--limit", "0")).code).toBe(2);
  });
});

describe("show", () => {
  test("tells of a job what was admitted, and the request only when asked", async () => {
    const id = await send(fixture.deadLetterQueueUrl, job);
    await send(fixture.deadLetterQueueUrl, message);
    const { out } = await fixture.offpeak("dead-letters", "show", id);
    for (const piece of ["batch_expired", "post_call_summary", "gpt-5-nano", "attempts", stored.record.jobId])
      expect(out).toContain(piece);
    expect(out).not.toContain(PROMPT);
    expect((await fixture.offpeak("dead-letters", "show", id, "--body")).out).toContain(PROMPT);
    expect(await shown(fixture.deadLetterQueueUrl)).toBe(2);
  });

  test("tells of a message who sent it, and its body from the bucket when it lies there", async () => {
    await fixture.open().objects.put("dead-letters/m-1", `{"large":"${PROMPT}"}`);
    const large = { ...message, body: null, bodyKey: "dead-letters/m-1" };
    const id = await send(fixture.deadLetterQueueUrl, large);
    expect(await fixture.json("dead-letters", "show", id, "--body")).toMatchObject({
      senderId: "AROASTRANGER:x",
      body: `{"large":"${PROMPT}"}`,
    });
    expect(await fixture.json("dead-letters", "show", id)).not.toHaveProperty("body");
  });

  test("a letter that is not there", async () => {
    const { code, error } = await fixture.offpeak("dead-letters", "show", "nothing");
    expect(code).toBe(2);
    expect(error).toContain("no dead letter nothing");
  });
});

describe("retry", () => {
  test("sends the named letters on, kept messages too, and leaves the others", async () => {
    const ids = [
      await send(fixture.deadLetterQueueUrl, job),
      await send(fixture.deadLetterQueueUrl, message),
    ];
    await send(fixture.deadLetterQueueUrl, job);
    expect((await fixture.offpeak("dead-letters", "retry", ...ids)).out).toBe("2 sent on.\n");
    expect(await on(fixture.runsQueueUrl)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: "run", reason: "dead-letter", jobId: stored.record.jobId }),
        {
          version: 1,
          kind: "message",
          messageId: "m-1",
          senderId: "AROASTRANGER:x",
          sentAt: Date.parse(at),
          queue: "normal",
          body: message.kind === "message" ? message.body : null,
          bodyKey: null,
        },
      ]),
    );
    expect(await shown(fixture.deadLetterQueueUrl)).toBe(1);
  });

  test("all: whatever was tried often enough too, but not the messages that were kept", async () => {
    await send(fixture.deadLetterQueueUrl, message);
    await send(fixture.deadLetterQueueUrl, job);
    await send(fixture.deliveriesDeadLetterQueueUrl, { ...delivery, passes: 30 });
    await send(fixture.runsDeadLetterQueueUrl, "nothing we know");
    const { out } = await fixture.offpeak("dead-letters", "retry", "--all");
    expect(out).toBe("2 sent on; 2 left where they are.\n");
    expect(await on(fixture.deliveriesQueueUrl)).toEqual([{ ...delivery, passes: 31 }]);
    expect(await shown(fixture.deliveriesDeadLetterQueueUrl)).toBe(0);
    expect(await shown(fixture.runsDeadLetterQueueUrl)).toBe(1);
    expect(await fixture.json("dead-letters", "retry", "--reason", "unknown_tenant")).toHaveLength(1);
  });

  test("wants to know which, and says which it did not find", async () => {
    for (const args of [[], ["x", "--all"], ["--all", "--reason", "x"]])
      expect((await fixture.offpeak("dead-letters", "retry", ...args)).code).toBe(2);
    const id = await send(fixture.deadLetterQueueUrl, job);
    const { code, error } = await fixture.offpeak("dead-letters", "retry", id, "nothing");
    expect({ code, error }).toMatchObject({ code: 2, error: expect.stringContaining("1 sent on") });
    expect(error).toContain("no dead letter nothing");
  });
});

describe("discard", () => {
  test("only with --yes; the job ends as cancelled, so that its tenant is told", async () => {
    const { jobId } = stored.record;
    await fixture.jobs.claim(aClaim({ jobId, source: stored.source }));
    const id = await send(fixture.deadLetterQueueUrl, job);
    const asked = await fixture.offpeak("dead-letters", "discard", id);
    expect({ ...asked }).toMatchObject({ code: 2, error: expect.stringContaining("--yes") });
    expect(await shown(fixture.deadLetterQueueUrl)).toBe(1);
    const { out } = await fixture.offpeak("dead-letters", "discard", id, "--yes");
    expect(out).toContain("its tenant is told");
    expect(await on(fixture.runsQueueUrl)).toMatchObject([
      { kind: "cancel", jobId, idempotencyKey: "one", cancelId: `discarded-${id}`, sentAt: NOON },
    ]);
    expect(await shown(fixture.deadLetterQueueUrl)).toBe(0);
    await fixture.jobs.end(anEnd({ jobId }));
    const again = await send(fixture.deadLetterQueueUrl, job);
    expect((await fixture.offpeak("dead-letters", "discard", again, "--yes")).out).toContain(
      "nothing is lost",
    );
    expect(await on(fixture.runsQueueUrl)).toEqual([]);
  });

  test("says what is lost with what is no job", async () => {
    const letters = [
      [fixture.deadLetterQueueUrl, message, "will not be admitted"],
      [fixture.deliveriesDeadLetterQueueUrl, delivery, "results/tenant=acme/x.jsonl"],
      [fixture.runsDeadLetterQueueUrl, "nonsense", "nothing that this release knows"],
    ] as const;
    for (const [queueUrl, content, lost] of letters) {
      const id = await send(queueUrl, content);
      expect((await fixture.offpeak("dead-letters", "discard", id, "--yes")).out).toContain(lost);
      expect(await shown(queueUrl)).toBe(0);
    }
  });
});
