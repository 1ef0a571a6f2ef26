import { beforeEach, expect, test } from "vitest";
import { RetryableError } from "../../lambdas/domain/failures.ts";
import { answerAll, jobMessage, MemoryGateway } from "./support/memory-gateway.ts";

const HOUR = 3_600_000;
let gateway: MemoryGateway;

beforeEach(async () => {
  gateway = new MemoryGateway();
  await gateway.addTenant({ tenantId: "acme" });
});

async function planned() {
  await gateway.admit([gateway.message(jobMessage())]);
  const [batchId] = await gateway.window();
  return batchId!;
}

test("batches are started before the provider's list is gone through, which may take longer than there is", async () => {
  const batchId = await planned();
  let startedBefore: string[] = [];
  gateway.provider.listSince = () => {
    startedBefore = gateway.executions.names();
    throw new RetryableError("no time left");
  };
  expect(await gateway.sweep()).toMatchObject({ batchesStarted: 1 });
  expect(startedBefore).toEqual([`${batchId}-1`]);
});

test("a row that closing left among the open ones is taken away, and its batch is not started", async () => {
  const batchId = await planned();
  const open = await Array.fromAsync(gateway.batches.listOpen("openai"));
  await gateway.runBatch(batchId, answerAll);
  const { closedAt, outcome } = (await gateway.batches.get(batchId))!;
  const closings: unknown[] = [];
  gateway.batches.close = async (...closing) => void closings.push(closing);
  gateway.batches.listOpen = async function* (account) {
    if (account === "openai") yield* open;
  };
  gateway.now += 6 * HOUR;
  expect(await gateway.sweep()).toMatchObject({ batchesStarted: 0, failures: [] });
  expect(closings).toEqual([[batchId, closedAt, outcome]]);
  expect(gateway.executions.names()).toEqual([]);
});
