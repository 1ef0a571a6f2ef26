import { beforeEach, describe, expect, test } from "vitest";
import { toIso } from "../../lambdas/domain/instant.ts";
import { answerAll, jobMessage, MemoryGateway } from "./support/memory-gateway.ts";

let gateway: MemoryGateway;

beforeEach(async () => {
  gateway = new MemoryGateway();
  await gateway.addTenant({ tenantId: "acme" });
});

/** One job through a batch: the provider ends it 15 minutes after admission. */
async function resultOf(fields: Record<string, unknown>) {
  await gateway.admit([gateway.message(jobMessage(fields))]);
  const [batchId] = await gateway.window();
  await gateway.runBatch(batchId!, answerAll);
  const [result] = await gateway.results("acme");
  return result!;
}

describe("a result says how late and how fresh it is", () => {
  test("a paid answer that comes after its due time is delivered, and marked late", async () => {
    const deadline = (minutes: number) => toIso(gateway.now + minutes * 60_000);
    expect(await resultOf({ idempotencyKey: "missed", deadline: deadline(14) })).toMatchObject({
      status: "succeeded",
      late: true,
    });
    expect(await resultOf({ idempotencyKey: "met", deadline: deadline(16) })).toMatchObject({ late: false });
  });

  test("it is effective from its production for as long as was asked, or without end", async () => {
    const { producedAt, effectiveUntil } = await resultOf({ freshness: { effectiveForSeconds: 90 } });
    expect(Date.parse(effectiveUntil!) - Date.parse(producedAt)).toBe(90_000);
    expect(await resultOf({ idempotencyKey: "lasting" })).toMatchObject({ effectiveUntil: null });
  });

  test("what comes again for a duplicate is as old as it was: it is not made fresh", async () => {
    const first = await resultOf({ freshness: { effectiveForSeconds: 90 } });
    gateway.now += 86_400_000;
    await gateway.admit([gateway.message(jobMessage({ freshness: { effectiveForSeconds: 90 } }))]);
    expect(await gateway.results("acme")).toEqual([first]);
  });
});
