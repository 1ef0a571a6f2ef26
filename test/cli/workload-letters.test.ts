import { expect, test } from "vitest";
import { openStack } from "../../cli/stack.ts";
import { viewOf } from "../../cli/dead-letter-view.ts";
import { isSentOnByItself, readLetter } from "../../lambdas/domain/dead-letter.ts";
import { sendOn } from "../../lambdas/retry-dead-letters/send-on.ts";
import { EVERY_WORKLOAD, resourcesOf, templateOf } from "../lib/stage-template.ts";

const names = Object.values(resourcesOf(templateOf(EVERY_WORKLOAD), "AWS::SQS::Queue"))
  .map(({ QueueName }) => String(QueueName))
  .filter((name) => name.endsWith("-dead"));
const stack = openStack("Offpeak", {
  DeadLetterQueueUrls: names.map((name) => `https://sqs.eu-central-1.amazonaws.com/111122223333/${name}`),
  JobMapTableName: "a",
  TenantLedgerTableName: "b",
  TenantsTableName: "c",
  BatchesTableName: "d",
  GatewayBucketName: "e",
});

test("every dead-letter queue of a stage with workloads is one that the operator's tool knows", () => {
  expect(stack.deadLetters.map(({ name, queue }) => [name, queue])).toEqual(
    names.map((name) => [name, expect.any(String)]),
  );
});

test("a workload's letter is shown with its tenant, and is nobody else's to send on", async () => {
  const from = stack.deadLetters.find(({ name }) => name === "Offpeak-transcripts-dead")!;
  expect(from.queue).toBe("workload");
  const body = JSON.stringify({ version: 1, tenantId: "acme", transcript: { turns: ["secret"] } });
  const received = { body, receipt: "r", messageId: "m", senderId: null, sentAt: 0, moved: true };
  const letter = readLetter("workload", received);
  const view = viewOf({ from, received, letter });
  expect(view).toMatchObject({ kind: "workload", code: "workload", tenantId: "acme" });
  expect(JSON.stringify(view)).not.toContain("secret");
  expect(isSentOnByItself(letter)).toBe(false);
  // Ports that would fail if anything were sent.
  const nothing = { send: () => Promise.reject(new Error("sent")) };
  const objects = { put: () => Promise.reject(new Error("put")) };
  await sendOn([{ received, letter }], { runs: nothing, deliveries: nothing, objects });
});
