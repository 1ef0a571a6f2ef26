import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DynamoJobMap } from "../../lambdas/adapters/dynamo-job-map.ts";
import { RetryableError } from "../../lambdas/domain/failures.ts";
import { cutOff, leaveUnprocessed, loseNextAnswer, recordCommands, watchBatchGets } from "./client-faults.ts";
import { startTables, type Tables } from "./emulators.ts";
import { aClaim, ACME, jobIdFor } from "./sample-records.ts";

let tables: Tables;
beforeAll(async () => {
  tables = await startTables();
});
afterAll(() => tables.stop());

async function dynamo() {
  const client = tables.client();
  return { client, jobs: new DynamoJobMap(client, await tables.create("pk")) };
}

function refs(count: number) {
  return Array.from({ length: count }, (_, number) => ({ tenantId: ACME, jobId: jobIdFor(`job-${number}`) }));
}

describe("reading many jobs of DynamoDB", () => {
  it("asks for what was left unprocessed until it has all", async () => {
    const { client, jobs } = await dynamo();
    const wanted = refs(130);
    for (const ref of wanted.slice(0, 5)) await jobs.claim(aClaim(ref));
    leaveUnprocessed(client, 3);
    const found = await jobs.getMany(wanted);
    expect(found.slice(0, 5).map((job) => job?.jobId)).toEqual(wanted.slice(0, 5).map(({ jobId }) => jobId));
    expect(found.slice(5).every((job) => job === undefined)).toBe(true);
  });

  it("throws RetryableError when something stays unprocessed, or DynamoDB is out of reach", async () => {
    const { client, jobs } = await dynamo();
    leaveUnprocessed(client, 99);
    await expect(jobs.getMany(refs(1))).rejects.toBeInstanceOf(RetryableError);
    const away = await dynamo();
    cutOff(away.client, "BatchGetItemCommand", 1);
    await expect(away.jobs.getMany(refs(300))).rejects.toBeInstanceOf(RetryableError);
  });

  it("reads again when the answer was lost", async () => {
    const { client, jobs } = await dynamo();
    const [one] = refs(1);
    if (!one) throw new Error("no job");
    await jobs.claim(aClaim(one));
    const calls = loseNextAnswer(client, "BatchGetItemCommand");
    expect(await jobs.getMany([one])).toMatchObject([one]);
    expect(calls()).toBe(2);
  });

  it("takes eventually consistent calls of a hundred distinct jobs, several at once", async () => {
    const { client, jobs } = await dynamo();
    const watched = watchBatchGets(client);
    const sent = recordCommands(client);
    const wanted = refs(1_050);
    await jobs.getMany([...wanted, ...wanted]);
    expect(sent).toEqual(Array.from({ length: 11 }, () => "BatchGetItemCommand"));
    expect(watched.calls.map(({ keys }) => keys).toSorted((a, b) => b - a)).toEqual([
      ...Array.from({ length: 10 }, () => 100),
      50,
    ]);
    expect(watched.calls.every(({ consistent }) => !consistent)).toBe(true);
    expect(watched.mostAtOnce).toBe(8);
  });

  it("asks for nothing when no job is wanted", async () => {
    const { client, jobs } = await dynamo();
    const sent = recordCommands(client);
    expect(await jobs.getMany([])).toEqual([]);
    expect(sent).toEqual([]);
  });
});
