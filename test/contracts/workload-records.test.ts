import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { DynamoWorkloadRecords } from "../../lambdas/adapters/dynamo-workload-records.ts";
import { MemoryWorkloadRecords } from "../../lambdas/adapters/memory-workload-records.ts";
import type { RecordKind } from "../../lambdas/domain/workload-record.ts";
import type { WorkloadRecords } from "../../lambdas/workload-records.ts";
import { startTables, type Tables } from "./emulators.ts";
import { gather, race } from "./gather.ts";

const COUNTER: RecordKind<{ count: number; note: string | null }> = {
  schema: z.object({ count: z.number(), note: z.string().nullable() }),
  expiresAt: () => 4_102_444_800,
};

let tables: Tables;
beforeAll(async () => {
  tables = await startTables();
});
afterAll(() => tables.stop());

const stores: readonly (readonly [string, () => Promise<WorkloadRecords>])[] = [
  ["memory", async () => new MemoryWorkloadRecords()],
  ["DynamoDB", async () => new DynamoWorkloadRecords(tables.client(), await tables.create("pk", "sk"))],
];

describe.each(stores)("records of workloads: %s", (_name, make) => {
  const add = (records: WorkloadRecords, sk: string) =>
    records.decide(COUNTER, { pk: "a", sk }, (current) => {
      const count = (current?.count ?? 0) + 1;
      return { answer: count, next: { count, note: null } };
    });

  it("decides on what stands, one after the other, however many do at once", async () => {
    const records = await make();
    const answers = await race(5, () => add(records, "x"));
    expect(answers.toSorted()).toEqual([1, 2, 3, 4, 5]);
    expect(await records.get(COUNTER, { pk: "a", sk: "x" })).toEqual({ count: 5, note: null });
  });

  it("stores nothing when nothing is to be stored", async () => {
    const records = await make();
    expect(await records.decide(COUNTER, { pk: "a", sk: "x" }, () => ({ answer: "no" }))).toBe("no");
    expect(await records.get(COUNTER, { pk: "a", sk: "x" })).toBeUndefined();
  });

  it("lists one partition in order, as far as keys begin with a prefix", async () => {
    const records = await make();
    for (const sk of ["2/b", "1/a", "2/a"]) await add(records, sk);
    await add(records, "2/b");
    const listed = await gather(records.list(COUNTER, "a", "2/"));
    expect(listed.map(({ count }) => count)).toEqual([1, 2]);
    expect(await gather(records.list(COUNTER, "a"))).toHaveLength(3);
    expect(await gather(records.list(COUNTER, "b"))).toEqual([]);
  });
});
