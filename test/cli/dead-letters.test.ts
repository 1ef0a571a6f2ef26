import { ReceiveMessageCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DeadLetter } from "../../lambdas/domain/internal-messages.ts";
import { ACME, jobIdFor, sourceAt } from "../contracts/sample-records.ts";
import { startStackFixture, type StackFixture } from "./stack-fixture.ts";

let fixture: StackFixture;

beforeAll(async () => {
  fixture = await startStackFixture();
});
afterAll(async () => await fixture.stop());

const at = "2026-11-21T11:00:00.000Z";
const job: DeadLetter = {
  version: 1,
  kind: "job",
  reason: { code: "batch_expired", message: "the batch expired" },
  at,
  tenantId: ACME,
  jobId: jobIdFor("one"),
  attempts: 3,
  source: sourceAt(0),
};
const message: DeadLetter = {
  version: 1,
  kind: "message",
  reason: { code: "unknown_tenant", message: "no tenant nobody" },
  at,
  messageId: "m-1",
  senderId: null,
  body: '{"prompt":"a secret"}',
  bodyKey: null,
};

test("dead letters are listed with their reasons, not their contents, and stay where they are", async () => {
  expect((await fixture.offpeak("dead-letters", "list")).out).toContain("no dead letters");
  const bodies = [JSON.stringify(job), JSON.stringify(message), "a secret that SQS moved here"];
  for (const body of bodies) {
    await fixture.sqs.send(
      new SendMessageCommand({ QueueUrl: fixture.deadLetterQueueUrl, MessageBody: body }),
    );
  }
  const letters = await fixture.json("dead-letters", "list");
  expect(letters).toHaveLength(3);
  expect(letters).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ kind: "job", tenantId: "acme", jobId: job.jobId, code: "batch_expired" }),
      expect.objectContaining({ kind: "message", tenantId: null, code: "unknown_tenant" }),
      expect.objectContaining({ kind: "moved", code: "not_handled" }),
    ]),
  );
  const { out } = await fixture.offpeak("dead-letters", "list");
  expect(out).toContain("Test-jobs-normal-dead");
  expect(out + JSON.stringify(letters)).not.toContain("secret");
  const { Messages: left = [] } = await fixture.sqs.send(
    new ReceiveMessageCommand({ QueueUrl: fixture.deadLetterQueueUrl, MaxNumberOfMessages: 10 }),
  );
  expect(left.map(({ Body }) => Body).toSorted()).toEqual(bodies.toSorted());
});

test("the limit holds", async () => {
  for (let number = 0; number < 12; number++) {
    await fixture.sqs.send(
      new SendMessageCommand({ QueueUrl: fixture.deadLetterQueueUrl, MessageBody: JSON.stringify(job) }),
    );
  }
  expect(await fixture.json("dead-letters", "list", "--limit", "11")).toHaveLength(11);
  expect((await fixture.offpeak("dead-letters", "list", "--limit", "0")).code).toBe(2);
});
